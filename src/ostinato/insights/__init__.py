"""Insights: what is found anywhere, how each loop stands, what waits for whom, and how well the practice does."""
