"""One module per command. Each has `register(commands)`, which adds its parser and names the function to run."""
