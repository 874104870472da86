"""What leaves have in common: whole files, a full disk, plausible numbers, the program's folder. Knows no room."""
