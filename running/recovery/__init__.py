"""What the server does at its start about a run that an earlier server left open."""
