"""Export of a model card: an HTML page, and metadata for the Hugging Face Hub.

The keys of the latter are those of huggingface.co/docs/hub/model-cards.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ostinato.evaluation.types import Evaluation
from ostinato.registry.types import Model, ModelVersion

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_HASHES = re.compile(r"#{1,6}")
_BELOW = "####"
_SIGNS = re.compile(r"[\\`*\[<|#]|(?<!\w)_|_(?!\w)|&(?=#?\w+;)")
"""What Markdown does not read as text within a line."""
_ENDS = re.compile(r"\r\n?")
_STYLE = """
body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; color: #1c2024; background: #fff }
table { border-collapse: collapse; margin: 1rem 0 } td, th { border: 1px solid #d0d5da; padding: .25rem .6rem; text-align: left }
code { font-size: .9em } h2 { margin-top: 2rem; border-bottom: 1px solid #d0d5da } td, code { overflow-wrap: anywhere }
@media (prefers-color-scheme: dark) {
  body { color: #e6e8ea; background: #15181b } td, th, h2 { border-color: #3a4046 } a { color: #8ab8ff }
}
"""
_LIBRARIES = {
    "sklearn": "sklearn", "onnx": "onnx", "xgboost": "xgboost", "lightgbm": "lightgbm", "torch": "pytorch", "pytorch": "pytorch",
    "keras": "keras", "mlflow": "mlflow",
}  # fmt: skip


def as_html(card: str, title: str) -> str:
    """The card as a page that stands alone: it holds its style, runs no script and asks no other host for anything."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<title>{html.escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n{_markdown().render(card)}</html>\n"
    )


def lower_headings(text: str) -> str:
    """Text by a person, with its headings lowered below those of the card, so that it cannot pose as a record.

    >>> lower_headings("Gates\\n---\\n- # Decisions")
    '#### Gates\\n- #### Decisions'
    """
    text = _ENDS.sub("\n", text).expandtabs(4)  # a tab has another width within a quotation
    lines, gone, tokens = text.split("\n"), set[int](), _markdown().parse(text)
    for token, inline in pairwise(tokens):
        if token.type != "heading_open" or token.map is None:
            continue
        begin, end = token.map
        if token.markup.startswith("#"):
            lines[begin] = _HASHES.sub(_BELOW, lines[begin], count=1)
        else:
            first = inline.content.split("\n")[0].rstrip()
            within = lines[begin].rstrip().removesuffix(first)
            lines[begin] = f"{within}{_BELOW} {' '.join(inline.content.split())}"
            gone |= set(range(begin + 1, end))
    return "\n".join(line for number, line in enumerate(lines) if number not in gone)


def quoted(text: str) -> str:
    """Text by a person as a quotation, so that what it leaves open, such as a code fence, ends with it.

    >>> quoted("One.\\n\\n```")
    '> One.\\n>\\n> ```'
    """
    return "\n".join(f"> {line}" if line else ">" for line in lower_headings(text).split("\n"))


def one_line(text: str) -> str:
    """Text by a person as one line of plain text, escaped for Markdown.

    >>> one_line("old\\n\\n## *Gates*")
    'old \\\\#\\\\# \\\\*Gates\\\\*'
    """
    return _SIGNS.sub(r"\\\g<0>", " ".join(text.split()))


def front_matter(model: Model, version: ModelVersion, evaluation: Evaluation | None, tags: Mapping[str, str]) -> str:
    """The metadata of the Hugging Face Hub, as YAML; each value is JSON, which YAML holds."""
    told: dict[str, Any] = {}
    if "license" in tags:
        told["license"] = tags["license"]
    if version.flavor in _LIBRARIES:
        told["library_name"] = _LIBRARIES[version.flavor]
    told["pipeline_tag"] = _TASK
    told["tags"] = [f"{key}:{value}" if value else key for key, value in sorted(tags.items()) if key != "license"] + ["ostinato"]
    told["datasets"] = sorted({drawn.name for drawn in version.datasets})
    measured = {name: found.value for name, found in evaluation.report.metrics.items() if found.value is not None} if evaluation else {}
    told["metrics"] = sorted(measured)
    if evaluation and measured:
        data = ", ".join(told["datasets"]) or "held-out rows"
        result = {
            "task": {"type": _TASK},
            "dataset": {"type": "tabular", "name": data, "revision": evaluation.data},
            "metrics": [{"type": name, "value": value, "name": name} for name, value in sorted(measured.items())],
        }
        told["model-index"] = [{"name": model.name, "results": [result]}]
    lines = [f"{key}: {json.dumps(value)}" for key, value in told.items() if value]
    return "\n".join(["---", *lines, "---", "", ""])


_TASK = "tabular-classification"


@cache
def _markdown() -> MarkdownIt:
    """Raw HTML stays text, links go to http, https and mail alone, and nothing is fetched."""
    from markdown_it import MarkdownIt  # 60 modules that a process does without until a card is written

    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
