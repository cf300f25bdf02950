"""The command line is tested on the toy slice, in process and through a server."""

from ostinato.testing.fixtures import toys, url

__all__ = ["toys", "url"]
