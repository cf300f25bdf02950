"""The command line: one group per face, one command per verb, read from the Ops."""
