"""Family: conditions that a version must meet before anybody may approve it."""
