"""The doors are tested on the toy slice."""

from ostinato.testing.fixtures import toys, url

__all__ = ["toys", "url"]
