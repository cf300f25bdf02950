"""Monitoring: what flows through an endpoint, compared with a reference, and the reactions to differences."""
