"""Monitors: what flows through an endpoint, compared with a reference, and what is done when they differ."""
