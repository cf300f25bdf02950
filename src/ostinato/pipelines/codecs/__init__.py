"""Family: codecs of values that are not plain JSON, each kept as a blob."""
