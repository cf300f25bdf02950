"""Family: methods of explanation. `scope` says whether of a model (global) or of one prediction (local)."""
