"""Ledger: the one log of all events, behind audit, lineage, history, comments and subscriptions; sealed against tampering."""
