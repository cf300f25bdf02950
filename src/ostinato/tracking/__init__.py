"""Tracking: experiments and runs with their parameters, data, metrics and artifacts."""
