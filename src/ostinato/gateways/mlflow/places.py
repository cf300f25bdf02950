"""Places: the addresses by which MLflow's clients name files, and what of this store each of them is.

`mlflow-artifacts:/EXPERIMENT/RUN/artifacts/PATH` is a file of a run, `…/EXPERIMENT/models/CANDIDATE/artifacts/PATH` one of a logged model,
`…/EXPERIMENT/traces/TRACE/artifacts/PATH` one that came with a trace, and `…/registered/MODEL/VERSION/PATH` one of a registered version.
There are no others, so nothing of the machine has an address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from ostinato.kernel.errors import Invalid

SCHEME = "mlflow-artifacts:/"
_PROXY = "/api/2.0/mlflow-artifacts/artifacts/"
_ODD = re.compile(r"[\x00-\x1f\x7f\\#]")
_DRIVE = re.compile(r"[A-Za-z]:")
_PERCENT = "~"
"""What stands for a percent sign of a model's name in an address: clients decode and encode those as they like."""
_CANDIDATE = re.compile(r"m-[A-Za-z0-9]+|[0-9A-Z]{26}")
_ABSOLUTE = (
    "If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be "
    "provided without relative path references present."
)
_LENGTH_MAX, _ROUNDS_MAX = 4_000, 10
_SCHEMES = frozenset(
    {"s3", "s3a", "gs", "wasb", "wasbs", "abfs", "abfss", "dbfs", "hdfs", "viewfs", "r2", "b2", "http", "https", "ftp", "sftp"}
)


@dataclass(frozen=True, slots=True)
class Place:
    """A file or a folder: of the run, candidate, trace or version `of`, at a path there, empty for all of it."""

    kind: Literal["run", "candidate", "trace", "version"]
    of: str
    path: str


def of_run(experiment: str, run: str) -> str:
    """Where the files of a run are."""
    return f"{SCHEME}{experiment}/{run}/artifacts"


def of_candidate(experiment: str, candidate: str) -> str:
    """Where the files of a logged model are."""
    return f"{SCHEME}{experiment}/models/{candidate}/artifacts"


def of_trace(experiment: str, trace: str) -> str:
    """Where the files of a trace are."""
    return f"{SCHEME}{experiment}/traces/{trace}/artifacts"


def of_version(model: str, version: int) -> str:
    """Where the files of a registered version are."""
    return f"{SCHEME}registered/{model.replace('%', _PERCENT)}/{version}"


def safe(path: str) -> str:
    """A path within something, as it was sent.

    Raises:
        Invalid: it leads out or nowhere, however often it is encoded, or is none.
    """
    for plain in _decoded(path) or [".."]:
        if _ODD.search(plain) or plain.startswith("/") or "//" in plain or _DRIVE.match(plain) or _leads(plain, "[/;]"):
            raise Invalid("Invalid path", field="path")
    return path.rstrip("/")


def place(path: str) -> Place:
    """What a path below the root of all artifacts names.

    Raises:
        Invalid: nothing of a run, a logged model or a version.
    """
    match safe(path).split("/"):
        case ["registered", model, version, *rest] if version.isdecimal():
            return Place("version", f"{model.replace(_PERCENT, '%')}@{version}", safe("/".join(rest)))
        case [_, "models", candidate, "artifacts", *rest]:
            return Place("candidate", candidate, safe("/".join(rest)))
        case [_, "traces", trace, "artifacts", *rest]:
            return Place("trace", trace, safe("/".join(rest)))
        case [_, run, "artifacts", *rest]:
            return Place("run", run, safe("/".join(rest)))
    raise Invalid("Invalid path", hint="EXPERIMENT/RUN/artifacts/PATH or EXPERIMENT/models/MODEL/artifacts/PATH", field="path")


def source(text: str, run_id: str, model_id: str) -> Place | None:
    """What the source of a model version names; None for a place elsewhere, which this server never reads.

    Raises:
        Invalid: it is a path of some machine, leads out of where it points, or is nothing of the run or logged model that was said.
    """
    rounds = _decoded(text)
    if not rounds or any(_ODD.search(plain) or _leads(plain, "[/;?]") for plain in rounds):
        raise _refused(text, _ABSOLUTE)
    parts = urlsplit(text)
    match parts.scheme:
        case "runs" if not parts.netloc:
            run, _, path = parts.path.strip("/").partition("/")
            found = Place("run", run, safe(path) if path else "")
        case "models" if not parts.netloc:
            name = parts.path.strip("/")
            if not _CANDIDATE.fullmatch(name):
                return _registered(text, name)
            found = Place("candidate", name, "")
        case "mlflow-artifacts" if not parts.netloc:
            found = place(parts.path.strip("/"))
        case "http" | "https" if _PROXY in parts.path:
            found = place(parts.path.partition(_PROXY)[2])
        case scheme if scheme in _SCHEMES and parts.netloc and not parts.fragment:
            return None
        case _:
            raise _refused(text, "To use a local path as a model version source is not possible: log the model to a run first")
    if found.of != (model_id if found.kind == "candidate" else run_id):
        said = "model_id" if found.kind == "candidate" else "run_id"
        raise _refused(text, f"The {said} request parameter must identify the resource that contains the source.")
    return found


def _decoded(text: str) -> list[str]:
    """A text, and what each decoding makes of it; none if it is too long, or decodes too often."""
    rounds = [text]
    while len(text) <= _LENGTH_MAX and len(rounds) <= _ROUNDS_MAX:
        if (plain := unquote(rounds[-1])) == rounds[-1]:
            return rounds
        rounds.append(plain)
    return []


def _leads(plain: str, between: str) -> bool:
    """Whether a part leads back, or nowhere."""
    return not {".", ".."}.isdisjoint(re.split(between, plain))


def _registered(text: str, name: str) -> Place:
    model, _, version = name.partition("/")
    if not model or not version.isdecimal():
        raise _refused(text, "name a version, such as models:/late/3")
    return Place("version", f"{quote(unquote(model), safe='').replace('~', '%7E')}@{version}", "")


def _refused(text: str, why: str) -> Invalid:
    return Invalid(f"Invalid model version source: '{text[:500]}'. {why}", field="source")
