"""Experiments and runs: what was tried, with which parameters and data, what was measured and what came out."""
