"""Family: sinks, where events are sent. Each is a `Sink`."""
