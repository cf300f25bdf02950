"""Distances between two histograms on the same bins. One file, one distance."""
