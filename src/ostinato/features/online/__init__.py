"""Online stores: where the events of an entity are looked up within microseconds."""
