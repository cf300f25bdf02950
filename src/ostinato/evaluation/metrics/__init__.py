"""Family: numbers that say how good scores in [0, 1] are against labels 0 and 1."""
