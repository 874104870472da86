"""The rooms behind `orchestrator.py`: a batch, its cycles, their commands, and what each of them needs."""
