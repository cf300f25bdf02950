"""Where the call of a step runs: one member per place."""
