"""Training: time-ordered splits, and parameter search with every trial a run."""
