"""Bucket: named bytes as objects of an S3 bucket, through obstore (the extra `s3`)."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ostinato.kernel.errors import Conflict, Invalid, MissingExtra, NotFound, Unavailable
from ostinato.storage.objects.objects import Object, named

_PIECE = 1 << 20
_PART = 8 << 20
_PARTS_AT_ONCE = 2
_MOST_PARTS = 9_000
_IN_MEMORY = 1 << 20
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
COPIED_MAX = 5 << 30
_HOLDING = ".holding"
_HELD = timedelta(days=1)


class Bucket:
    """Objects `<prefix>/<name>` of a bucket. `url` is `s3://bucket/prefix?region=…&endpoint=…`; credentials come from `AWS_*` variables."""

    def __init__(
        self, url: str, *, setting: str, spool: str | os.PathLike[str] | None = None, env: Mapping[str, str] | None = None,
        patience_s: float = 60.0,
    ) -> None:  # fmt: skip
        """`setting` is what errors call the place where the address was given; what is on its way lies in `spool`.

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
        bucket, prefix, config = _read(url, setting, os.environ if env is None else env)
        self._api, self._errors, self._setting = obstore, exceptions, setting
        self._spool = None if spool is None else os.fspath(spool)
        self._bucket: Any = store.S3Store(
            bucket,
            prefix=prefix or None,
            config=config,
            client_options={"allow_http": config.get("endpoint", "").startswith("http:"), "connect_timeout": "5s", "timeout": "120s"},
            retry_config={"max_retries": 8, "retry_timeout": timedelta(seconds=patience_s)},
        )

    def all(self, prefix: str = "") -> Iterator[Object]:
        return (found for found, _ in self.dated(prefix) if not found.name.startswith("."))

    def put(self, name: str, content: Iterable[bytes]) -> None:
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=self._spool) as file:
            for piece in content:
                file.write(piece)
            size = file.tell()
            file.seek(0)
            self.send_file(named(name), file, size)

    def get(self, name: str, start: int = 0, size: int | None = None) -> Iterator[bytes]:
        """As the seam says; or `size` bytes from `start` on."""
        if size == 0:
            return
        options: Any = {} if (start, size) == (0, None) else {"range": {"offset": start} if size is None else (start, start + size)}
        with self._reaching(named(name)):
            if size is not None and size <= _PIECE:  # without the machinery of streams: less CPU for small blobs
                yield bytes(self._api.get_range(self._bucket, name, start=start, length=size))
                return
            for chunk in self._api.get(self._bucket, name, options=options).stream(min_chunk_size=_PIECE):
                content = bytes(chunk)
                for start in range(0, len(content), _PIECE):
                    yield content[start : start + _PIECE]

    def delete(self, name: str) -> None:
        self._delete(named(name))

    @contextmanager
    def held(self, *, alone: bool) -> Iterator[None]:
        """By objects that say so. Each puts its own first and looks for others then, so of two at least one sees the other."""
        mine = f"{_HOLDING}/{'alone' if alone else 'adding'}-{secrets.token_hex(8)}"
        self.send(mine, b"")
        try:
            there = {found["path"]: found["last_modified"] for found in self._list(_HOLDING)}
            now = there.pop(mine)
            others = [name for name, at in there.items() if (alone or "/alone-" in name) and now - at < _HELD]
            if others:
                hint = f"try again when that is done; if it was killed, delete {others[0]} from the bucket, or wait for a day"
                raise Conflict("somebody else works in this place of the bucket", hint=hint)
            yield
        finally:
            self._delete(mine)

    def dated(self, prefix: str = "") -> Iterator[tuple[Object, float]]:
        """Every object as `all` gives them, those of hidden prefixes if asked for, with the time of its storing in seconds since 1970."""
        for found in self._list(prefix):
            if prefix or not found["path"].startswith("."):
                yield Object(name=found["path"], size=found["size"]), found["last_modified"].timestamp()

    def copy(self, name: str, to: str) -> None:
        """Copy an object within the bucket, which knows how: no bytes come here. It has at most `COPIED_MAX` bytes.

        Raises:
            NotFound: there is no such object.
        """
        with self._reaching(name):
            self._api.copy(self._bucket, name, to)

    def send(self, name: str, content: Any, **how: Any) -> None:
        """Store bytes, or what is in a file, in the way that obstore is told."""
        with self._reaching(name):
            try:
                self._api.put(self._bucket, name, content, **how)
            except FileNotFoundError:
                raise self._no_bucket() from None

    def send_file(self, name: str, file: Any, size: int) -> None:
        """Store what is in a file, from where it stands: large ones in parts, two at a time."""
        self.send(name, file, use_multipart=size > part_of(size), chunk_size=part_of(size), max_concurrency=_PARTS_AT_ONCE)

    def head(self, name: str) -> dict[str, Any] | None:
        """What the bucket says of an object: `size`, `e_tag` and more; None if there is none."""
        with self._reaching(name):
            try:
                return dict(self._api.head(self._bucket, name))
            except FileNotFoundError:
                return None

    def _delete(self, name: str) -> None:
        with self._reaching(name), suppress(FileNotFoundError):
            self._api.delete(self._bucket, name)

    def _list(self, prefix: str) -> Iterator[dict[str, Any]]:
        with self._reaching(prefix):
            for found in self._api.list(self._bucket, prefix or None, chunk_size=1000):
                yield from map(dict, found)

    @contextmanager
    def _reaching(self, name: str) -> Iterator[None]:
        """Errors of the bucket as ours."""
        try:
            yield
        except FileNotFoundError as error:
            raise self._no_bucket() if "NoSuchBucket" in str(error) else NotFound(f"no {name} in the bucket") from None
        except (self._errors.PermissionDeniedError, self._errors.UnauthenticatedError):
            raise Unavailable(
                "the bucket refuses us", hint=f"check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may do in {self._setting}"
            ) from None
        except self._errors.BaseError as error:
            raise Unavailable(
                f"the bucket does not answer ({type(error).__name__})", hint=f"check {self._setting} and the network, then try again"
            ) from error

    def _no_bucket(self) -> Unavailable:
        return Unavailable("the bucket does not exist", hint=f"make it, or mend {self._setting}")


def part_of(size: int) -> int:
    """In parts of how many bytes a file of that size is sent, at least 8 MiB: S3 takes 10,000 of them."""
    return max(_PART, -(-size // _MOST_PARTS))


def _read(url: str, setting: str, env: Mapping[str, str]) -> tuple[str, str, dict[str, Any]]:
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query))
    if parts.scheme != "s3" or not parts.netloc or parts.username or parts.password or asked.keys() - {"endpoint", "region"}:
        raise Invalid(
            f"{setting} is no address of a bucket",
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
