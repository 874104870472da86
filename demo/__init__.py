"""A small BMAD project and a scripted agent, to try the program without an API key."""
