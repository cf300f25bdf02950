"""Import from a running MLflow server, read through its own API."""
