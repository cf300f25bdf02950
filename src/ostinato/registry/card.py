"""The model card, filled from recorded facts (Mitchell et al. 2019, Model cards for model reporting).

Every statement is a recorded value with its reference, or says who owes it. Prose comes from people only, and stands quoted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ostinato.evaluation.types import Estimate, Evaluation, Slice
from ostinato.kernel.errors import Invalid
from ostinato.registry.export import one_line, quoted
from ostinato.registry.types import Check, Deprecation, Field, Model, ModelVersion, Note

SECTIONS = ("Intended use", "Out of scope", "Ethical considerations", "Limitations", "Recommendations")
"""The sections that only people can write."""
IMPORTED = "imported:"
"""Stands before who wrote a note, if only an archive says so."""
_RECORDED = ("Details", "Training", "Inputs", "Evaluation", "Gates", "Decisions")
_TEXT_MAX = 100_000
_SECTION_MAX = 100


class _Marked(str):
    """Markdown of our own in a cell; all else there is text."""


def check_note(section: str, text: str) -> None:
    """Refuse a section that people cannot write.

    Raises:
        Invalid: it has no name or that of a recorded one, the name is more than text, or something is too long.
    """
    if not section or len(section) > _SECTION_MAX or not section.isprintable() or len(text) > _TEXT_MAX:
        raise Invalid(f"a section has a name of up to {_SECTION_MAX} signs and up to {_TEXT_MAX} of text", field="section")
    if section.casefold() in map(str.casefold, _RECORDED) or one_line(section) != section:
        raise Invalid(f"{section!r} is no name for a section that people write", hint=f"such as {', '.join(SECTIONS)}", field="section")


def render(
    model: Model,
    version: ModelVersion,
    evaluation: Evaluation | None,
    check: Check | None,
    notes: Sequence[Note],
    params: Mapping[str, Any],
) -> str:
    """The card of a version as Markdown."""
    owes = f"not provided – {one_line(model.owner)}"
    parts = [
        f"# Model card: {one_line(model.name)} version {version.version}",
        "",
        quoted(model.description) if model.description else owes,
    ]
    parts += [line for said in (version.deprecated, model.deprecated) if said for line in ("", _warning(said))]
    parts += _section("Details", _details(model, version))
    parts += _section("Training", _training(version, params, owes))
    parts += _section("Inputs", _inputs(version.signature.inputs))
    parts += _section("Evaluation", _evaluation(evaluation) if evaluation else [owes])
    parts += _section("Gates", _gates(check) if check else ["never checked"])
    decided = [
        f"- {d.at:%Y-%m-%d %H:%M} UTC {d.kind} by {one_line(d.by)} ({one_line(d.responsible)}): {one_line(d.reason)}"
        for d in version.decisions
    ]
    parts += _section("Decisions", decided)
    written = {n.section: n for n in notes}
    for section in (*SECTIONS, *(s for s in written if s not in SECTIONS)):
        note = written.get(section)
        parts += _section(section, [quoted(note.text), "", _signed(note)] if note else [owes])
    return "\n".join(parts) + "\n"


def _signed(note: Note) -> str:
    told = note.by.removeprefix(IMPORTED)
    return f"— {one_line(told)}{', so says the archive it came with' if told != note.by else ''}, {note.at:%Y-%m-%d}"


def _warning(said: Deprecation) -> str:
    instead = f" Use `{said.successor}` instead." if said.successor else ""
    gone = f" It may be gone from {said.sunset_at:%Y-%m-%d} on." if said.sunset_at else ""
    why = one_line(said.reason) + ("" if said.reason.endswith(".") else ".")
    return f"> **Deprecated** on {said.at:%Y-%m-%d} by {one_line(said.by)}: {why}{instead}{gone}"


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", f"## {title}", "", *(lines or ["none"])]


def _details(model: Model, version: ModelVersion) -> list[str]:
    named = ", ".join(a for a, v in sorted(model.aliases.items()) if v == version.version)
    facts = {
        "Reference": _code(version.ref),
        "State": version.state + (f", now {named}" if named else ""),
        "Owner": ", ".join(model.owners) or model.owner,
        "Author": version.author,
        "Registered": f"{version.registered_at:%Y-%m-%d %H:%M} UTC",
        "Risk": f"{model.risk}; approvals needed: {model.approvals}",
        "Flavor": version.flavor,
        "Artifact": _Marked(f"{_code(version.artifact)}, {version.size} bytes"),
        "Note": version.note or "none",
        "How to load": _code(f"app.models.scorer('{model.name}@{version.version}')"),
    }
    return _table(("", ""), list(facts.items()))


def _training(version: ModelVersion, params: Mapping[str, Any], owes: str) -> list[str]:
    rows: list[tuple[str, str]] = [("Run", _code(version.run) if version.run else _Marked(owes))]
    rows += [("Data", _code(d)) for d in version.datasets] or [("Data", _Marked(owes))]
    rows += [("Feature view", _code(f)) for f in version.features]
    rows += [(f"Parameter {k}", f"{v}") for k, v in sorted(params.items())]
    return _table(("", ""), rows)


def _inputs(inputs: Sequence[Field]) -> list[str]:
    rows = [(f.name, f.dtype, "yes" if f.nullable else "no", str(len(f.categories)) if f.categories else "") for f in inputs]
    return _table(("name", "type", "nullable", "categories"), rows)


def _evaluation(evaluation: Evaluation) -> list[str]:
    report = evaluation.report
    lines = [
        f"{_code(f'evaluation:{evaluation.id}')} of {evaluation.recorded_at:%Y-%m-%d}, {report.rows} rows ({_code(evaluation.data[:16])}), "
        f"{report.positives} positive; threshold {report.threshold:.4g} ({one_line(report.threshold_from)}).",
        "",
        *_table(("metric", "value", "95 % interval"), [(name, *_cells(e)) for name, e in sorted(report.metrics.items())]),
    ]
    if report.cost:
        cost = report.cost
        saved, interval = _cells(cost.saved_per_row)
        lines += [
            "",
            f"Money: {cost.per_row:.4g} per row against {cost.baseline_per_row:.4g} acting {one_line(cost.baseline)}; "
            f"saved {saved} ({interval}).",
        ]
    for by in sorted({s.by for s in report.groups}):
        lines += ["", f"By {one_line(by)}:", "", *_groups([s for s in report.groups if s.by == by])]
    return lines


def _groups(slices: Sequence[Slice]) -> list[str]:
    names = sorted({name for s in slices for name in s.metrics})
    rows = [(s.value, str(s.rows), *(_cells(s.metrics[n])[0] if n in s.metrics else "" for n in names)) for s in slices]
    return _table(("group", "rows", *names), rows)


def _gates(check: Check) -> list[str]:
    rows = [(r.gate, "passed" if r.passed else "failed", r.reason) for r in check.results]
    return [f"Checked on {check.at:%Y-%m-%d} by {one_line(check.by)} ({_code(check.id)}).", "", *_table(("gate", "", "measured"), rows)]


def _cells(estimate: Estimate) -> tuple[str, str]:
    value = "not determined" if estimate.value is None else f"{estimate.value:.4f}"
    return value, "" if estimate.low is None or estimate.high is None else f"{estimate.low:.4f} to {estimate.high:.4f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    body = [[cell if isinstance(cell, _Marked) else one_line(cell) for cell in row] for row in [head, *rows]]
    return [f"| {' | '.join(row)} |" for row in [body[0], ["---"] * len(head), *body[1:]]]


def _code(value: object) -> _Marked:
    return _Marked(f"`{' '.join(str(value).split()).replace('`', chr(39)).replace('|', chr(92) + '|')}`")
