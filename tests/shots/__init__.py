"""Pictures of the page: every view and state, and the film of the README, made from real runs of the demo."""
