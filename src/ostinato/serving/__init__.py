"""Serving: endpoints, the data plane, the prediction log, and rollouts decided by sequential tests."""
