"""Gateways: protocols of other systems, translated into the verbs of this one; they hold no state."""
