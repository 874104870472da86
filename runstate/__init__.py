"""The state of the run: a fold over committed events, and the values that it is made of."""
