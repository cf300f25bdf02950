"""Family: sources of deliveries; each reads bytes once and describes them."""
