"""Keeping an installation: backup and restore, finding what is wrong with it, collecting what nothing refers to."""
