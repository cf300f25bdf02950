"""Encrypted backups: whoever makes them cannot read them; they are incremental, pruned and restored all the same."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ostinato.app import Ostinato
from ostinato.cli.main import main
from ostinato.kernel.errors import Conflict, Corrupt, Invalid, NotFound
from ostinato.maintenance.age import Identities, Recipients, least, make
from ostinato.maintenance.backup import backup
from ostinato.maintenance.doctor import examine
from ostinato.maintenance.prune import prune
from ostinato.maintenance.restore import restore
from ostinato.storage.blobs.local import Local

SECRET = b"the patient's name is Ada Lovelace"


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    make(tmp_path / "identity")
    return tmp_path / "identity"


@pytest.fixture
def to(identity: Path) -> list[str]:
    return Identities(identity).recipients


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_only_the_owner_of_the_identity_reads_it(filled: Ostinato, tmp_path: Path, identity: Path, to: list[str]) -> None:
    data, target = filled.settings.data, tmp_path / "b"
    with filled.run("secret") as run:
        run.artifact("note.txt", SECRET)
    made = backup(data, target, to=to)
    assert made.ok
    digests = {blob.digest for blob in Local(data / "blobs").all()}
    for path in files(target):
        content = path.read_bytes()
        assert SECRET not in content
        assert not any(digest.encode() in content or digest in path.name for digest in digests)
    for secret in ("ledger-key", "admin-token"):
        assert not any((data / secret).read_bytes() in path.read_bytes() for path in files(target))

    with pytest.raises(Invalid, match=f"encrypted to {to[0]}"):
        restore(target, tmp_path / "r")
    make(tmp_path / "other")
    with pytest.raises(Invalid, match="whose identity this is not"):
        restore(target, tmp_path / "r", identity=tmp_path / "other")
    back = restore(target, tmp_path / "r", identity=identity)
    assert (back.ok, back.events, back.blobs) == (True, made.events, made.blobs)
    assert {b.digest for b in Local(tmp_path / "r" / "blobs").all()} == digests
    assert examine(tmp_path / "r").complaints == []
    with Ostinato.open(tmp_path / "r") as app:
        assert app.runs.artifact(app.runs.search("secret").items[0].id, "note.txt") == SECRET


def test_what_is_there_is_not_encrypted_again_and_pruning_needs_no_key(
    filled: Ostinato, tmp_path: Path, identity: Path, to: list[str]
) -> None:
    data, target = filled.settings.data, tmp_path / "b"
    first = backup(data, target, to=to)
    before = {path: path.stat().st_mtime_ns for path in files(target / "sealed")}
    assert backup(data, target, to=to).copied == 0
    with filled.run("more") as run:
        run.artifact("large.bin", os.urandom(3_000_000))
    second = backup(data, target, to=to)
    assert 3_000_000 < second.copied < first.size + 3_100_000
    assert all(path.stat().st_mtime_ns == at for path, at in before.items())
    done = prune(target, keep=1, apply=True)
    assert (len(done.removed), done.objects > 0) == (2, True)
    assert restore(target, tmp_path / "r", identity=identity).events == second.events
    assert backup(data, target).copied > 0, "plain backups lie beside, under names of their own"
    assert restore(target, tmp_path / "plain").events == second.events


def test_each_object_that_is_damaged_cut_off_or_another_is_refused_by_its_name(
    filled: Ostinato, tmp_path: Path, identity: Path, to: list[str], damage: Callable[[Path], None]
) -> None:
    target = tmp_path / "b"
    manifest = Path(backup(filled.settings.data, target, to=to).manifest)
    objects = files(target / "sealed")
    assert len(objects) > 8

    def refused(victim: Path) -> None:
        with pytest.raises(Corrupt, match=victim.name):
            restore(target, tmp_path / "r", identity=identity)
        assert not (tmp_path / "r").exists()

    for victim, other in zip(objects, objects[1:] + objects[:1], strict=True):
        whole = victim.read_bytes()
        damage(victim)
        refused(victim)
        victim.write_bytes(other.read_bytes())
        refused(victim)
        victim.write_bytes(whole)
    for content in (whole[:-1], whole[: len(whole) // 2], whole[:50], b""):
        victim.write_bytes(content)
        refused(victim)
    victim.unlink()
    refused(victim)
    victim.write_bytes(whole)
    assert restore(target, tmp_path / "again", identity=identity).ok
    damage(manifest)
    refused(manifest)


def test_a_manifest_of_one_store_with_the_contents_of_another_is_refused(
    filled: Ostinato, tmp_path: Path, identity: Path, to: list[str]
) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    manifest = Path(backup(filled.settings.data, mine, to=to).manifest)
    with Ostinato.open(tmp_path / "foreign") as foreign:
        foreign.ledger.seal()
    other = Path(backup(tmp_path / "foreign", theirs, to=to).manifest)
    (theirs / manifest.name).write_bytes(manifest.read_bytes())
    with pytest.raises(Corrupt, match="missing from the backup"):
        restore(theirs / manifest.name, tmp_path / "r", identity=identity)
    spliced = json.loads(manifest.read_text()) | {"backup": json.loads(other.read_text())["backup"]}
    manifest.chmod(0o600)
    manifest.write_text(json.dumps(spliced))
    with pytest.raises(Corrupt, match="damaged"):
        restore(mine, tmp_path / "r", identity=identity)
    with pytest.raises(Invalid, match="another store"):
        backup(filled.settings.data, theirs, to=to)


def test_several_recipients_can_each_restore(filled: Ostinato, tmp_path: Path, identity: Path, to: list[str]) -> None:
    second = make(tmp_path / "second")
    backup(filled.settings.data, tmp_path / "b", to=[*to, second])
    for turn, key in enumerate((identity, tmp_path / "second")):
        assert restore(tmp_path / "b", tmp_path / f"r{turn}", identity=key).ok


def test_keys_that_are_none_are_said_and_no_secret_is_shown(filled: Ostinato, tmp_path: Path, identity: Path) -> None:
    for wrong in ("age1", "nonsense", ""):
        with pytest.raises(Invalid, match="not a public key"):
            backup(filled.settings.data, tmp_path / "b", to=[wrong])
    private = next(line for line in identity.read_text().splitlines() if line.startswith("AGE-SECRET"))
    with pytest.raises(Invalid) as refused:
        Recipients([private])
    assert private not in str(refused.value)
    assert "public key" in refused.value.hint
    (tmp_path / "text").write_text("# nothing\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for wrong_file in ("text", "bytes"):
        with pytest.raises(Invalid, match="no identity"):
            Identities(tmp_path / wrong_file)
    with pytest.raises(NotFound, match="nowhere"):
        Identities(tmp_path / "nowhere")
    assert not (tmp_path / "b" / "sealed").exists()


def test_an_identity_is_for_its_owner_alone_and_is_never_written_over(identity: Path) -> None:
    assert identity.stat().st_mode & 0o777 == 0o600
    assert identity.read_text().count("\n") == 3
    with pytest.raises(Conflict, match="there already"):
        make(identity)


@pytest.mark.parametrize("size", [0, 1, (64 << 10) - 1, 64 << 10, (64 << 10) + 1, 200_000])
def test_what_was_cut_off_by_more_than_a_header_is_seen_by_its_size(identity: Path, to: list[str], size: int) -> None:
    sealed = b"".join(Recipients(to).seal([bytes(size)]))
    assert least(size) < len(sealed) < least(size) + 1000
    assert b"".join(Identities(identity).open([sealed[:100], sealed[100:]])) == bytes(size)


def test_it_passes_through_with_little_memory_and_may_be_left_early(identity: Path, to: list[str]) -> None:
    sent = 0

    def source() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield bytes(1 << 20)

    passing = Identities(identity).open(Recipients(to).seal(source()))
    assert len(next(passing)) == 1 << 20
    assert sent < 10, "it reads no further than it must"
    passing.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "ostinato-age" and not thread.join(10) and thread.is_alive()]


def test_a_source_that_fails_fails_as_itself(to: list[str]) -> None:
    def source() -> object:
        yield b"half"
        raise NotFound("the source is gone")

    with pytest.raises(NotFound, match="the source is gone"):
        list(Recipients(to).seal(source()))  # type: ignore[arg-type]


def test_the_commands(filled: Ostinato, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def ostinato(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ending:
            main(arguments)
        return int(ending.value.code or 0), capsys.readouterr().out

    data, place, key = str(filled.settings.data), str(tmp_path / "b"), str(tmp_path / "key")
    code, public = ostinato("backup-key", key)
    assert (code, public[:4]) == (0, "age1")
    for _ in range(3):
        assert ostinato("backup", "--data", data, place, "--to", public.strip(), "--keep", "2")[0] == 0
    assert len(list(Path(place).glob("*.json"))) == 2
    assert ostinato("restore", place, "--data", str(tmp_path / "r"))[0] == 2
    assert ostinato("restore", place, "--data", str(tmp_path / "r"), "--identity", key)[0] == 0
    code, out = ostinato("prune", place, "--keep", "1")
    assert (code, "1 backup kept" in out, "--apply does it" in out) == (0, True, True)
    assert len(list(Path(place).glob("*.json"))) == 2
    assert ostinato("prune", place)[0] == 2
