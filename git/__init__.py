"""Everything that calls git: snapshots, worktrees and merges, history."""
