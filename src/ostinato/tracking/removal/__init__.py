"""Removal: what leaves tracking for good, by hand or by rules, in transactions of bounded size."""
