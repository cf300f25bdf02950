"""Family: gates, conditions that a version must meet before it can be approved."""
