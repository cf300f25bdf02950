"""Family: flaws of values, independent of their distribution."""
