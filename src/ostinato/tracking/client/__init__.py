"""The logging client: a journal on the local disk, and the thread that ships it to the store."""
