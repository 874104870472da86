"""The rooms behind `hub.py`: one connected client, the ring of newest frames, the frames themselves."""
