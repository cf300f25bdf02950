"""Maintenance of an installation: backup and restore, doctor, garbage collection, retention, export and import."""
