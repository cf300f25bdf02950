"""The command line as a process."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text

import ostinato as ost
from ostinato.app import SLICES, Ostinato
from ostinato.cli.main import FACES, root
from ostinato.kernel.errors import NotFound
from ostinato.testing.doors import served


def ostinato(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ostinato.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ | env, check=False)


def test_the_faces_are_the_slices() -> None:
    assert [(name, module) for name, module, _ in FACES] == [(m.NAME, m.__name__) for m in SLICES]


def test_help_is_fast_because_it_imports_no_slice() -> None:
    code = "import sys\nfrom ostinato.cli.main import main\ntry:\n    main(['--help'])\nfinally:\n    print(sorted(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for name, _, summary in FACES:
        assert f"  {name} " in told
        assert summary in told
    for heavy in ("numpy", "duckdb", "pyarrow", "sqlalchemy", "msgspec", "rich", "starlette", "ostinato.app"):
        assert f"'{heavy}'" not in told


def test_every_group_lists_its_verbs() -> None:
    for module in SLICES:
        told = CliRunner().invoke(root, [module.NAME, "--help"])
        assert told.exit_code == 0, told.output
        for op in module.OPS:
            assert op.name.replace("_", "-") in told.output
            assert CliRunner().invoke(root, [module.NAME, op.name.replace("_", "-"), "--help"]).exit_code == 0


def test_a_store_is_used_in_process_and_through_a_server(app: Ostinato) -> None:
    data = str(app.settings.data)
    embedded = ostinato("access", "whoami", "--data", data, "--json")
    assert embedded.returncode == 0, embedded.stderr
    assert json.loads(embedded.stdout)["actor"] == "person:admin"
    with served(app) as url:
        remote = ostinato(
            "access", "whoami", "--json", OSTINATO_URL=url, OSTINATO_TOKEN=(app.settings.data / "admin-token").read_text().strip()
        )
        unknown = ostinato("--url", url, "access", "whoami", OSTINATO_TOKEN="")
        by_file = ostinato("--url", url, "--token-file", f"{data}/admin-token", "models", "get", "nothing")
    assert json.loads(remote.stdout) == json.loads(embedded.stdout)
    assert unknown.returncode == 3
    assert "hint: " in unknown.stderr
    assert by_file.returncode == 4
    assert by_file.stderr.startswith("NotFound: ")


def test_a_store_that_is_not_there_is_not_read_as_an_empty_one(tmp_path: Path) -> None:
    told = ostinato("--data", str(tmp_path / "mispelt"), "runs", "search")
    assert told.returncode == 4
    assert told.stderr.startswith("NotFound: no store in ")
    assert "hint: " in told.stderr
    assert not (tmp_path / "mispelt").exists()


def test_a_worker_makes_no_store(tmp_path: Path) -> None:
    told = ostinato("worker", "--data", str(tmp_path / "mispelt"))
    assert (told.returncode, told.stderr.partition(" in ")[0]) == (4, "NotFound: no store")
    assert not (tmp_path / "mispelt").exists()


def test_a_project_that_is_not_there_holds_nothing(app: Ostinato, tmp_path: Path) -> None:
    data = str(app.settings.data)
    for asked in (["search"], ["start", "--experiment", "first"]):
        told = ostinato("--project", "mispelt", "runs", *asked, "--data", data)
        assert (told.returncode, told.stderr.partition("\n")[0]) == (4, "NotFound: no project 'mispelt'")
    with pytest.raises(NotFound, match="mispelt"):
        ost.open(tmp_path / "other", project="mispelt")


def test_what_the_system_refuses_is_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = ostinato("serve", "--data", str(tmp_path / "file" / "store"), "--port", "0")
    assert (told.returncode, "Traceback" in told.stderr) == (7, False)
    assert told.stderr.startswith("Unavailable: ")
    assert "Not a directory" in told.stderr
    assert "hint: look at the path" in told.stderr


def test_a_server_that_is_down_is_told_soon() -> None:
    began = time.monotonic()
    assert ostinato("--url", "http://127.0.0.1:9", "runs", "search").returncode == 7
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(("arguments", "near"), [(["modles"], "models"), (["models", "vrsions"], "versions")])
def test_a_misspelt_command_is_guessed(arguments: list[str], near: str) -> None:
    told = ostinato(*arguments)
    assert told.returncode == 2
    assert f"Did you mean {near}?" in told.stderr


def test_the_version_is_told() -> None:
    assert ostinato("--version").stdout == f"ostinato {importlib.metadata.version('ostinato')}\n"


@pytest.mark.parametrize(("arguments", "code"), [(["models", "nonsense"], 2), (["--nonsense"], 2), (["families", "nonsense"], 2)])
def test_bad_usage_exits_with_2(arguments: list[str], code: int) -> None:
    assert ostinato(*arguments).returncode == code


def test_the_ledger_is_verified_offline(app: Ostinato, tmp_path: Path) -> None:
    app.ledger.seal()
    good = ostinato("ledger", "verify", "--data", str(app.settings.data))
    assert good.returncode == 0, good.stderr
    app.rows.write(lambda tx: tx.execute(text("UPDATE ledger_event SET verb = 'project.forgotten' WHERE seq = 0")))
    app.close()
    bad = ostinato("ledger", "verify", "--data", str(app.settings.data))
    assert bad.returncode == 1
    assert "problems" in bad.stdout


def test_a_family_is_known_by_its_last_name_and_a_misspelt_one_is_guessed() -> None:
    assert ostinato("families", "sinks").stdout.startswith("ledger.sinks  ")
    assert "did you mean sinks" in ostinato("families", "sink").stderr


def test_families_are_listed_with_their_members() -> None:
    told = json.loads(ostinato("families", "--json").stdout)
    by_name = {family["name"]: family for family in told}
    assert {"data.checks", "evaluation.metrics", "registry.gates", "registry.flavors", "monitoring.drift"} <= by_name.keys()
    check = next(m for m in by_name["data.checks"]["members"] if m["name"] == "in_range")
    assert check["summary"]
    assert check["parameters"]["type"] == "object"


def test_shells_complete_groups_and_verbs() -> None:
    for words, found in (("ostinato mod", "plain,models"), ("ostinato models approve-", "plain,approve-by-policy")):
        told = ostinato(_OSTINATO_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(words.count(" ")))
        assert told.stdout.splitlines() == [found]


def test_a_port_that_is_none_is_refused_as_usage() -> None:
    assert ostinato("serve", "--port", "22222222").returncode == 2
