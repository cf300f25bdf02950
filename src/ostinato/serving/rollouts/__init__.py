"""Family: rollout strategies; all decide by the same evidence."""
