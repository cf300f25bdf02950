"""Content encoding of bodies: gzip and zstd both ways, deflate for requests; decompression is bounded."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable

from ostinato.kernel.errors import Invalid, TooLarge

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEAST = 1024
"""Replies below so many bytes are sent as they are."""
RATIO_MAX = 100
_FREE = 1 << 20
"""Up to so many bytes a body may unpack at any ratio."""
_WINDOW = {int(zstd.DecompressionParameter.window_log_max): 23}  # 8 MiB, as RFC 9659 has it
_GZIP = 31  # zlib's word for a gzip container
UNPACKED: dict[str, Callable[[bytes, int], tuple[bytes, bool]]] = {
    "gzip": lambda content, most: _inflated(zlib.decompressobj(_GZIP), content, most),
    "deflate": lambda content, most: _inflated(zlib.decompressobj(), content, most),
    "zstd": lambda content, most: _inflated(zstd.ZstdDecompressor(options=_WINDOW), content, most),
}


def negotiate(accepts: str) -> str:
    """The encoding to answer in, by an `Accept-Encoding`; empty for none.

    >>> negotiate("gzip, deflate, br, zstd"), negotiate("gzip;q=0.5, zstd;q=0"), negotiate("")
    ('zstd', 'gzip', '')
    """
    wanted = {}
    for part in accepts.split(","):
        name, _, weight = part.partition(";")
        wanted[name.strip().lower()] = weight.replace(" ", "").rstrip(".0") != "q="
    return next((name for name in ("zstd", "gzip") if wanted.get(name)), "")


def compressed(content: bytes, encoding: str) -> bytes:
    """The content in the encoding `gzip` or `zstd`."""
    if encoding == "zstd":
        return zstd.compress(content, 3)
    packer = zlib.compressobj(5, wbits=_GZIP)
    return packer.compress(content) + packer.flush()


def decompressed(content: bytes, encoding: str, limit: int) -> bytes:
    """The decompressed content, of at most `limit` bytes.

    Raises:
        TooLarge: it would be larger, or more than 1 MiB and 100 times as large as `content`.
        Invalid: it is damaged, cut, or followed by something.
    """
    most = min(limit, max(_FREE, RATIO_MAX * len(content)))
    try:
        found, whole = UNPACKED[encoding](content, most + 1)
    except (zlib.error, zstd.ZstdError) as error:
        raise Invalid(f"the body is not {encoding}: {error}", field="content-encoding") from None
    if len(found) > most:
        raise TooLarge(f"the body unpacks to more than {most} bytes", hint=f"send it in parts; up to {RATIO_MAX} times its size is read")
    if not whole:
        raise Invalid(f"the body is not one whole {encoding} stream", hint="send one stream, to its end", field="content-encoding")
    return found


def _inflated(stream: zlib._Decompress | zstd.ZstdDecompressor, content: bytes, most: int) -> tuple[bytes, bool]:
    return stream.decompress(content, most), stream.eof and not stream.unused_data
