"""Ways to explain. One file, one way; `scope` says whether of a model (global) or of one answer (local)."""
