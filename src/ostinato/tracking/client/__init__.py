"""The client's side of logging: a journal on the own disk, and the thread that ships it to the store."""
