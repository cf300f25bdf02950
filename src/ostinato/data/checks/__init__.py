"""Checks: what a contract may ask of a delivery; each compiles to SQL, and all of a contract run in one scan."""
