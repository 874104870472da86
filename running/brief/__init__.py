"""The brief of a batch: what was done and on what evidence, what is not, what it cost, what is needed, what is next."""
