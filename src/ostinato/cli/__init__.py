"""The command line: one group per face, one command per verb, from the Ops."""
