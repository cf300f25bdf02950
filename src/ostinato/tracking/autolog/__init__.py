"""Autolog: the frameworks whose trainings are recorded without a line of code, one file each."""
