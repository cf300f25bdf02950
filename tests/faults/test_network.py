"""Two servers whose way to PostgreSQL is slow, is cut, or leads nowhere for a while; and blobs whose bucket is."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest

from ostinato.kernel.errors import Unavailable
from ostinato.storage.blobs.s3 import S3
from ostinato.testing.bucket import CREDENTIALS, BucketServer
from ostinato.testing.crowd import patient
from ostinato.testing.processes import free_port
from ostinato.testing.proxy import Proxy, proxied
from ostinato.testing.scene import ENV, Scene, kill

pytestmark = pytest.mark.timeout(600)
HEALED_S = 5.0


def slow(proxy: Proxy) -> None:
    proxy.delay_s = 0.02


def drip(proxy: Proxy) -> None:
    proxy.bytes_per_s = 1.0


def swallow(proxy: Proxy) -> None:
    proxy.black_hole = True


TROUBLES: list[Callable[[Proxy], None]] = [slow, Proxy.cut, swallow, drip]


def test_two_servers_on_a_database_behind_a_bad_network(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scale: float, chance: random.Random
) -> None:
    place = urlsplit(postgres_url)
    assert place.port
    for name, value in {**ENV, "OSTINATO_DATABASE_URL": postgres_url}.items():
        monkeypatch.setenv(name, value)
    with proxied("127.0.0.1", place.port) as proxy, Scene(tmp_path, {**ENV, "OSTINATO_DATABASE_URL": postgres_url}) as scene:
        through = urlunsplit(place._replace(netloc=place.netloc.replace(f":{place.port}", f":{proxy.port}")))
        ports = [free_port(), free_port()]
        processes = [scene.server(port, OSTINATO_DATABASE_URL=through) for port in ports]
        processes += [scene.worker(OSTINATO_DATABASE_URL=through) for _ in ports]
        with scene.clients(*(f"http://127.0.0.1:{port}" for port in ports)):
            scene.go_on()
            for trouble in TROUBLES * round(scale):
                trouble(proxy)
                if trouble is Proxy.cut:
                    told = httpx.get(
                        f"http://127.0.0.1:{ports[0]}/api/v1/runs", headers={"authorization": f"Bearer {scene.token}"}, timeout=20
                    )
                    assert told.status_code == 503, told.text
                    assert told.json()["error"]["hint"]
                time.sleep(chance.uniform(0.5, 1.5))
                proxy.heal()
                healed = time.monotonic()
                scene.all_go_on()
                print(trouble.__name__, f"all went on after {time.monotonic() - healed:.2f} s")
                assert time.monotonic() - healed < HEALED_S
        scene.drained()
        for process in processes:
            kill(process)
        print(scene.count())


def test_a_bucket_behind_a_bad_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scale: float, chance: random.Random) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with closing(BucketServer()) as server, proxied("127.0.0.1", urlsplit(server.url).port or 0) as proxy:
        blobs = S3(server.bucket().replace(server.url, f"http://127.0.0.1:{proxy.port}"), spool=tmp_path, patience_s=0.5)
        kept = [blobs.put(chance.randbytes(size)) for size in (10, 100_000)]
        for trouble in [slow, Proxy.cut, swallow, drip] * round(scale):
            content = chance.randbytes(200_000)
            trouble(proxy)
            if trouble is Proxy.cut:
                for act in (
                    lambda content=content: blobs.put(content),
                    lambda: blobs.open(kept[0].digest),
                    lambda: blobs.exists(kept[0].digest),
                ):
                    with pytest.raises(Unavailable) as refused:
                        act()
                    assert refused.value.hint
            with ThreadPoolExecutor(1) as others:
                under_way = others.submit(patient, lambda content=content: blobs.put(content))
                time.sleep(chance.uniform(0.2, 0.8))
                proxy.heal()
                healed = time.monotonic()
                kept.append(under_way.result(30))
            print(trouble.__name__, f"went on after {time.monotonic() - healed:.2f} s")
            assert time.monotonic() - healed < HEALED_S
            assert blobs.open(kept[-1].digest) == content
        for blob in kept:
            assert len(blobs.open(blob.digest)) == blob.size
    assert not [path for path in tmp_path.rglob("*") if path.is_file()], "something was left in the spool"
