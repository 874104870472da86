"""The HTTP interface, one module per subject; `routes` has all of their routes."""
