"""The checks of the doctor: each reports what is wrong, how bad it is, and how to mend it."""
