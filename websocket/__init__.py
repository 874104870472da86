"""The WebSocket server: the hub, a connected client, the ring of the newest frames, the frame format."""
