"""How well the predictions agree with the labels. One file, one measure; a positive effect is a loss."""
