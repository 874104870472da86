"""Schema and migrations of the database, its writer thread, and its queries: one module per table."""
