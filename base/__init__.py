"""What leaves have in common: reading and writing files, a full disk, plausible numbers, the program's folder."""
