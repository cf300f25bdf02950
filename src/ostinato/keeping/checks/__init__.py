"""What the doctor looks at: each check says what is wrong, how bad it is, and how to mend it."""
