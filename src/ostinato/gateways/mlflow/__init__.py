"""MLflow: its tracking server and model registry, as its own clients speak to them."""
