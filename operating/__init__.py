"""What an operator does from a terminal, beside running the server: back up, restore, check, run without a page."""
