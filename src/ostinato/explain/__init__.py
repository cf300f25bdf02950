"""Explanations: which inputs a model relies on, and what each contributed to one prediction."""
