"""Family: online stores, which look up the events of an entity within microseconds."""
