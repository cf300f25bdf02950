"""How values that are not plain JSON travel between steps: one member per kind of value, each kept as a blob."""
