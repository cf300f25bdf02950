"""Data: datasets, their versions, the contracts that deliveries must meet, and what is in them."""
