"""The WebSocket side: the hub, one connected client, the ring of newest frames, the frames themselves."""
