"""Registry: models and their versions, gates, approvals by a second person, and aliases with their history."""
