"""A real S3 over HTTP for tests: moto in a process of its own, ended by whoever started it."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
import urllib.request

from ostinato.testing.processes import free_port

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
_MAIN = "import sys; from moto.server import main; main(sys.argv[1:])"
_WAIT_S = 60.0


class BucketServer:
    """A server on a port of loopback, by default a free one, which forgets everything when it is closed."""

    def __init__(self, port: int | None = None) -> None:
        port = port or free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-c", _MAIN, "-H", "127.0.0.1", "-p", str(port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + _WAIT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.close()
                raise RuntimeError("moto does not answer")
            time.sleep(0.1)

    def bucket(self) -> str:
        """The address of a new, empty bucket: `s3://…`, for whoever has `CREDENTIALS` in the environment."""
        name = f"b{secrets.token_hex(6)}"
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/{name}", method="PUT"), timeout=10).close()  # noqa: S310 — loopback
        return f"s3://{name}/some/prefix?endpoint={self.url}"

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/moto-api/data.json", timeout=5).close()  # noqa: S310 — loopback
        except OSError:
            return False
        return True
