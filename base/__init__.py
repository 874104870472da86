"""Shared by all packages: reading and writing files, full disks, plausible claims, the program's folder."""
