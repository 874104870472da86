"""Shared by all packages: atomic writes, full disks, plausible claims, the program's folder. Imports no other one."""
