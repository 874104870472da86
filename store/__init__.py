"""The rooms behind `db.py`: schema and migrations, the writer thread, one module of queries per table."""
