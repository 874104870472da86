"""Cycles side by side, each in a worktree of its own."""
