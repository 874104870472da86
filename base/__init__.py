"""What every room may use: the program's own folder, whole files, a full disk. Knows no other room."""
