"""Sources: where a delivery may come from; each reads bytes once and says what they were."""
