"""Family: distances between two histograms on the same bins."""
