"""Sandbox: a process in which a model that may run code can only score."""
