"""What can be wrong with values whatever their distribution. One file, one flaw."""
