"""What every room may use, knowing no other room: whole files, a full disk, plausible numbers, the program's folder."""
