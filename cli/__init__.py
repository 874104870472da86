"""The command line: options, configuration, the verbs `run`, `check`, `backup` and `restore`, logs."""
