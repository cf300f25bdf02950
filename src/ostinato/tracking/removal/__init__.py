"""Removal: permanent deletion, by hand or by retention rules, in transactions of bounded size."""
