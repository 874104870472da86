"""The HTTP interface, one module per subject; `server.py` puts the routes together."""
