"""Insights: search, the state of each loop, what waits for whom, and delivery metrics."""
