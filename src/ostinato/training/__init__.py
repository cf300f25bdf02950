"""Training: folds in the order of time, and the search for parameters, every trial a run."""
