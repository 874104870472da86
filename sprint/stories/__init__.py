"""Spec folders of BMAD 6.10 to 6.12: `stories.yaml`, an ordered list, with the status in each story's own file."""
