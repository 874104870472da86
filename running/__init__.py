"""The steps of a batch: its cycles and their commands, with the services that they need. Used by `orchestrator.py`."""
