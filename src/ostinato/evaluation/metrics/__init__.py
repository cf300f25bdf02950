"""Family: metrics of scores in [0, 1] against labels 0 and 1."""
