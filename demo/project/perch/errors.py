"""What a user did wrong, said so that they can fix it."""


class PerchError(Exception):
    """A message for the user; the program ends with exit code 2."""
