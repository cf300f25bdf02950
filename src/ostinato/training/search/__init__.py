"""Family: searchers of a parameter space."""
