"""Evaluation: how good a model is on which data, with uncertainty, by group, and in money."""
