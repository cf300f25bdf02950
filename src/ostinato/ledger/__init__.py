"""Every act, kept: the one log behind audit, lineage, history, comments and subscriptions, sealed against tampering."""
