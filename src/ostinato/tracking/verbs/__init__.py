"""The verbs of Runs by topic; `service` combines them."""
