"""Ways through a space of parameters. One file, one way."""
