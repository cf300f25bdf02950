"""Family: the ways in which a candidate takes over; all of them decide by the same evidence."""
