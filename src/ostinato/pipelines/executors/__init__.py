"""Family: executors, where the calls of steps run."""
