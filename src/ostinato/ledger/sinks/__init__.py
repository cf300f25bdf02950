"""Where events go outside: one member per file, each a `Sink`."""
