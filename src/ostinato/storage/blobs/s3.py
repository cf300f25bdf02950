"""S3: blobs as objects of a bucket, through obstore (the extra `s3`)."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from blake3 import blake3

from ostinato.kernel.errors import Corrupt, Invalid, MissingExtra, NotFound, Unavailable
from ostinato.storage.blobs.blobs import Blob, blob_of, pieces, valid

_PIECE = 1 << 20
_PART = 8 << 20
_PARTS_AT_ONCE = 2
_MOST_PARTS = 9_000
_SMALL = 64 << 10
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")


class S3:
    """Objects `<prefix>/ab/abcd…` of a bucket; an object appears with all its bytes or not at all, and every read is verified.

    What arrives in pieces is collected in a file in `spool`, because its name is known at the end only, and goes up in parts of
    at least 8 MiB, two at a time. An object that is there already is not sent again if its ETag says that it has those bytes.
    """

    def __init__(self, url: str, *, spool: str | os.PathLike[str], env: Mapping[str, str] | None = None, patience_s: float = 60.0) -> None:
        """`url` is `s3://bucket/prefix?region=…&endpoint=…`; credentials come from the usual `AWS_*` variables.

        Requests are repeated for `patience_s` seconds before the bucket counts as out of reach.

        Raises:
            Invalid: the address is malformed, or names a server to which the bytes would travel unprotected.
            MissingExtra: obstore is not installed.
        """
        try:
            import obstore
            from obstore import exceptions, store
        except ModuleNotFoundError:
            raise MissingExtra.of("obstore", "s3") from None
        config: Any
        bucket, prefix, config = _read(url, os.environ if env is None else env)
        self._api, self._errors = obstore, exceptions
        self._bucket: Any = store.S3Store(
            bucket,
            prefix=prefix or None,
            config=config,
            client_options={"allow_http": config.get("endpoint", "").startswith("http:"), "connect_timeout": "5s", "timeout": "120s"},
            retry_config={"max_retries": 8, "retry_timeout": timedelta(seconds=patience_s)},
        )
        self._spool = Path(spool)
        self._spool.mkdir(parents=True, exist_ok=True)

    def put(self, content: bytes | Iterable[bytes]) -> Blob:
        if isinstance(content, bytes) and len(content) <= _SMALL:
            blob = blob_of(content)
            self._send(blob.digest, content, use_multipart=False)
            return blob
        hasher, size = blake3(), 0

        def passing() -> Iterator[bytes]:
            nonlocal size
            for piece in pieces(content):
                hasher.update(piece)
                size += len(piece)
                yield piece

        digest = self.keep(passing(), hasher.hexdigest)
        return Blob(digest=digest, size=size)

    def open(self, digest: str) -> bytes:
        return b"".join(self.stream(digest))

    def stream(self, digest: str) -> Iterator[bytes]:
        hasher = blake3()
        for piece in self.raw(digest):
            hasher.update(piece)
            yield piece
        if hasher.hexdigest() != digest:
            raise Corrupt(f"blob {digest} is damaged", hint="restore it from a backup, or store the original again")

    def exists(self, digest: str) -> bool:
        return self._head(_place(digest)) is not None

    def delete(self, digest: str) -> None:
        with self._reaching(digest):
            try:
                self._api.delete(self._bucket, _place(digest))
            except FileNotFoundError:
                return

    def keep(self, content: Iterable[bytes], name: Callable[[], str]) -> str:
        """Store bytes under the name that `name` says once they are all read."""
        with tempfile.TemporaryFile(dir=self._spool) as file:
            for piece in content:
                file.write(piece)
            size, place = file.tell(), _place(digest := name())
            part = max(_PART, -(-size // _MOST_PARTS))
            found = self._head(place)
            if found is None or found["size"] != size or found["e_tag"] != _etag(file, size, part):
                file.seek(0)
                self._send(digest, file, use_multipart=size > part, chunk_size=part, max_concurrency=_PARTS_AT_ONCE)
        return digest

    def raw(self, name: str) -> Iterator[bytes]:
        """The bytes under a name, whatever they are, in pieces of at most 1 MiB."""
        with self._reaching(name):
            for chunk in self._api.get(self._bucket, _place(name)).stream(min_chunk_size=_PIECE):
                yield from pieces(bytes(chunk))

    def _send(self, digest: str, content: Any, **how: Any) -> None:
        with self._reaching(digest):
            try:
                self._api.put(self._bucket, _place(digest), content, **how)
            except FileNotFoundError:
                raise _no_bucket() from None

    def _head(self, place: str) -> dict[str, Any] | None:
        with self._reaching(place):
            try:
                return dict(self._api.head(self._bucket, place))
            except FileNotFoundError:
                return None

    @contextmanager
    def _reaching(self, name: str) -> Iterator[None]:
        """Errors of the bucket as ours."""
        try:
            yield
        except FileNotFoundError as error:
            raise _no_bucket() if "NoSuchBucket" in str(error) else NotFound(f"no blob {name}") from None
        except (self._errors.PermissionDeniedError, self._errors.UnauthenticatedError):
            raise Unavailable(
                "the bucket refuses us", hint="check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may do in OSTINATO_BLOBS_URL"
            ) from None
        except self._errors.BaseError as error:
            raise Unavailable(
                f"the bucket does not answer ({type(error).__name__})", hint="check OSTINATO_BLOBS_URL and the network, then try again"
            ) from error


def _read(url: str, env: Mapping[str, str]) -> tuple[str, str, dict[str, Any]]:
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query))
    if parts.scheme != "s3" or not parts.netloc or parts.username or parts.password or asked.keys() - {"endpoint", "region"}:
        raise Invalid(
            "OSTINATO_BLOBS_URL is no address of a bucket",
            hint="write s3://bucket/prefix?region=…&endpoint=…, and give credentials as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            field="blobs_url",
        )
    config: dict[str, Any] = {"region": asked["region"]} if "region" in asked else {}
    endpoint = asked.get("endpoint") or next((env[name] for name in _ENDPOINTS if env.get(name)), "")
    if endpoint:
        _check_endpoint(endpoint)
        config |= {"endpoint": endpoint, "aws_endpoint_url_s3": endpoint, "virtual_hosted_style_request": False}
    return parts.netloc, parts.path.strip("/"), config


def _check_endpoint(endpoint: str) -> None:
    parts = urlsplit(endpoint)
    if parts.scheme == "https" or (parts.scheme == "http" and _loopback(parts.hostname or "")):
        return
    raise Invalid(f"refusing to send blobs to {endpoint!r}", hint="use https; plain http is for this machine only", field="blobs_url")


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _no_bucket() -> Unavailable:
    return Unavailable("the bucket does not exist", hint="make it, or mend OSTINATO_BLOBS_URL")


def _place(digest: str) -> str:
    return f"{valid(digest)[:2]}/{digest}"


def _etag(file: Any, size: int, part: int) -> str:
    """The ETag that S3 gives the file when it comes in one piece, or in parts of that size."""
    file.seek(0)
    if size <= part:
        return f'"{hashlib.file_digest(file, _md5).hexdigest()}"'
    parts = [_md5(content).digest() for content in iter(lambda: file.read(part), b"")]
    return f'"{_md5(b"".join(parts)).hexdigest()}-{len(parts)}"'


def _md5(content: bytes = b"") -> Any:
    return hashlib.md5(content, usedforsecurity=False)
