"""What stories will cost and how long they will take, from what earlier ones did. Pure: no I/O, no clock.

The history is resampled as it is: a range is made of quantiles of what was observed, with no model beyond that.
"""
