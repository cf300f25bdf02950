"""Features: views of events, computed as of an instant, the same for training and for serving."""
