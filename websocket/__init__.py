"""The WebSocket server: the hub, a connected client, its replay, the ring of the newest frames, the frame format."""
