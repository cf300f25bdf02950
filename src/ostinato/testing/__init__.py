"""For our tests and those of plugin authors: a store behind each of its doors."""
