"""A small BMAD project and a scripted agent, for trying everything without a key."""
