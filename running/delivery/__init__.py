"""Delivery of finished work: a branch that is pushed, a request on a forge, its checks, and its merge."""
