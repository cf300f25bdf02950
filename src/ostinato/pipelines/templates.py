"""Parameter templates of schedules and triggers: `${name}` is replaced by a fact about what started the execution."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ostinato.kernel.errors import Invalid

_FIELD = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_.]*)\}")


def fill_template(template: Any, facts: Mapping[str, Any]) -> Any:
    """The parameters with the facts in the place of `${name}`; text that is one such name becomes the fact itself.

    `${data.rows}` looks into the fact `data`.

    >>> fill_template({"day": "${date}", "note": "for ${date}", "n": "${data.rows}"}, {"date": "2013-01-02", "data": {"rows": 3}})
    {'day': '2013-01-02', 'note': 'for 2013-01-02', 'n': 3}

    Raises:
        Invalid: there is no such fact.
    """
    if isinstance(template, dict):
        return {name: fill_template(part, facts) for name, part in template.items()}
    if isinstance(template, list):
        return [fill_template(part, facts) for part in template]
    if not isinstance(template, str):
        return template
    if whole := _FIELD.fullmatch(template):
        return _fact(whole[1], facts)
    return _FIELD.sub(lambda found: str(_fact(found[1], facts)), template)


def _fact(path: str, facts: Mapping[str, Any]) -> Any:
    if path in facts:
        return facts[path]
    found: Any = facts
    for name in path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            raise Invalid(f"nothing is known as ${{{path}}} here", hint=f"known are: {', '.join(sorted(facts))}", field="parameters")
        found = found[name]
    return found
