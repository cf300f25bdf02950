"""Elsewhere: what MLflow's servers have that stands in another place here, so that whoever looks for it is told where."""

from __future__ import annotations

import re

from ostinato.gateways.mlflow.errors import NoEndpoint

_ROLES = "people have roles in projects: access.create_person, access.grant; see docs/access.md"
_FILES = "the server hands files out and takes them itself, in parts where they are large"
_PLACES: tuple[tuple[str, str], ...] = (
    (r"users/(create|create-ui|get|list|current|delete)", "access.create_person makes people, who bring a token; see docs/access.md"),
    (r"users/update-password", "passwords are changed on the page of an account; programs have tokens; see docs/access.md"),
    (r"users/.*|roles(/.*)?|(experiments|registered-models|scorers|gateway/\w+)/permissions/.*", _ROLES),
    (r"(artifacts/)?presigned[-/].*", _FILES),
    (r"scorers/invoke", "scorers are run by whoever reads them: mlflow.genai.evaluate"),
    (r"gateway(-proxy)?(/.*)?", "this server calls no provider of models and keeps no keys of theirs: name the provider itself"),
    (r"review-queues(/.*)?", "what reviewers are asked are label schemas"),
    (r"(jobs|prompt-optimization|genai/evaluate|issues/invoke)(/.*)?", "work in the background are pipelines; see docs/pipelines.md"),
)  # fmt: skip
_ROUTE = re.compile(r"/(?:ajax-)?api/[23]\.0/mlflow(?:-artifacts)?/(.*)", re.DOTALL)


def nowhere(method: str, path: str) -> NoEndpoint:
    """That there is no such route, and what there is instead."""
    named = _ROUTE.fullmatch(path)
    found = next(
        (hint for shape, hint in _PLACES if named and re.fullmatch(shape, named[1], re.DOTALL)), "docs/mlflow.md says which there are"
    )
    return NoEndpoint(f"no route {method} {path[:500]} for MLflow", hint=found)
