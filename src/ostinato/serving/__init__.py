"""Endpoints that answer with a model: the plane that serves, the log of predictions, rollouts that decide by themselves."""
