"""Perch: a field notebook for birdwatchers, on the command line."""
