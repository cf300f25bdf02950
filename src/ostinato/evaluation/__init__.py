"""Evaluation: how good a model is on which data, with the uncertainty, by group and in money."""
