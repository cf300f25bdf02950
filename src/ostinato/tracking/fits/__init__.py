"""Fits: what `autolog` does around a training, whatever the framework; the frameworks are the family `autolog`."""
