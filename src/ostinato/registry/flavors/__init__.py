"""Family: formats in which models are kept as data, never as code that runs on load."""
