"""Semantic conventions: the meaning of span attributes, as written by MLflow, OpenTelemetry (generative AI) and OpenInference."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ostinato.traces.types import Span, Usage

_OPERATIONS = {
    "chat": "CHAT_MODEL", "text_completion": "LLM", "generate_content": "LLM", "embeddings": "EMBEDDING", "execute_tool": "TOOL",
    "invoke_agent": "AGENT", "create_agent": "AGENT", "retrieval": "RETRIEVER", "invoke_workflow": "WORKFLOW",
}  # fmt: skip
_MODEL = ("mlflow.llm.model", "gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "embedding.model_name")
_PROVIDER = ("mlflow.llm.provider", "gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")
_SESSION = ("session.id", "gen_ai.conversation.id", "mlflow.trace.session")
_USER = ("user.id", "enduser.id", "mlflow.trace.user")
_INPUTS = (
    "mlflow.spanInputs",
    "gen_ai.input.messages",
    "gen_ai.prompt",
    "input.value",
    "gen_ai.tool.call.arguments",
    "traceloop.entity.input",
)
_OUTPUTS = (
    "mlflow.spanOutputs", "gen_ai.output.messages", "gen_ai.completion", "output.value", "gen_ai.tool.call.result",
    "traceloop.entity.output",
)  # fmt: skip
_IN_TOKENS = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "llm.usage.prompt_tokens")
_OUT_TOKENS = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion", "llm.usage.completion_tokens")
_ALL_TOKENS = ("gen_ai.usage.total_tokens", "llm.token_count.total", "llm.usage.total_tokens")
_COST = ("gen_ai.usage.cost", "llm.cost.total")
_TOKENS_MAX = 2**53
_WORD_MAX = 500
DEEP_MAX = 32
"""How deep lists and objects lie within one another: every reader can follow so far."""
TAG = "mlflow.traceTag."
"""A root's attributes with this prefix are tags of its trace."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a span says of itself."""

    kind: str
    model: str
    provider: str
    session: str
    user: str
    inputs: Any
    outputs: Any
    usage: Usage


def meaning(span: Span) -> Meaning:
    """What the attributes of a span say."""
    has = span.attributes
    kind = _word(has, "mlflow.spanType", "openinference.span.kind") or _OPERATIONS.get(_word(has, "gen_ai.operation.name"), "")
    return Meaning(
        kind=kind,
        model=_word(has, *_MODEL),
        provider=_word(has, *_PROVIDER),
        session=_word(has, *_SESSION),
        user=_word(has, *_USER),
        inputs=plain(_first(has, *_INPUTS)),
        outputs=plain(_first(has, *_OUTPUTS)),
        usage=_usage(has),
    )


def usage_of(tokens: Any, cost: Any) -> Usage:
    """Usage as MLflow writes it: objects, or their JSON, with `input_tokens`, … and `total_cost`."""
    said, paid = plain(tokens), plain(cost)
    found = said if isinstance(said, Mapping) else {}
    price = paid.get("total_cost") if isinstance(paid, Mapping) else None
    return _summed(
        _tokens(found.get("input_tokens")), _tokens(found.get("output_tokens")), _tokens(found.get("total_tokens")), _money(price)
    )


def plain(value: Any) -> Any:
    """A value, or what it is the JSON of: some clients write all attributes so. What is too deep stays a text.

    >>> plain('{"a": 1}'), plain('"x"'), plain("x"), plain("12")
    ({'a': 1}, 'x', 'x', '12')
    """
    if isinstance(value, str) and value[:1] in ("{", "[", '"'):
        try:
            found = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return value
        return value if deep(found) else found
    return value


def deep(value: Any, left: int = DEEP_MAX) -> bool:
    """Whether a value is deeper than `DEEP_MAX`."""
    if not isinstance(value, dict | list | tuple):
        return left < 0
    return left < 0 or any(deep(inner, left - 1) for inner in (value.values() if isinstance(value, dict) else value))


def _usage(has: Mapping[str, Any]) -> Usage:
    said = usage_of(has.get("mlflow.chat.tokenUsage"), has.get("mlflow.llm.cost"))
    cost = _money(_first(has, *_COST)) if said.cost is None else said.cost
    if said.total_tokens is not None:
        return _summed(said.input_tokens, said.output_tokens, said.total_tokens, cost)
    into, out, both = (_tokens(_first(has, *names)) for names in (_IN_TOKENS, _OUT_TOKENS, _ALL_TOKENS))
    return _summed(into, out, both, cost)


def _summed(into: int | None, out: int | None, both: int | None, cost: float | None) -> Usage:
    if both is None and (into is not None or out is not None):
        both = (into or 0) + (out or 0)
    return Usage(input_tokens=into, output_tokens=out, total_tokens=both, cost=cost)


def _first(has: Mapping[str, Any], *names: str) -> Any:
    return next((has[name] for name in names if has.get(name) is not None), None)


def _word(has: Mapping[str, Any], *names: str) -> str:
    found = plain(_first(has, *names))
    return "" if found is None else str(found).replace("\0", "")[:_WORD_MAX]


def _tokens(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _TOKENS_MAX:
        return None
    return int(value)


def _money(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return float(value)
