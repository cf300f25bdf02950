"""Family: checks of a contract; each compiles to SQL, and all of a contract run in one scan."""
