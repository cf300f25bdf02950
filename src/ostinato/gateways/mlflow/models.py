"""Models: registered models, their tags and aliases; prompts are such models that say so by a tag."""

from __future__ import annotations

import re
from typing import Any, ClassVar
from urllib.parse import quote, unquote

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.errors import AlreadyExists
from ostinato.gateways.mlflow.filter import Clause, Grammar, few, holds, ordered
from ostinato.gateways.mlflow.shown import STAGES, shown_version, stage_of
from ostinato.gateways.mlflow.wire import A2, Ask, Int64, Pair, filled
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.operation import Op
from ostinato.registry.types import Labels, Model

IS_PROMPT = "mlflow.prompt.is_prompt"
_GRAMMAR = Grammar(
    {"name": "text"}, {"tag": "tag", "tags": "tag", "attribute": "attribute", "attributes": "attribute", "attr": "attribute"},
    lists=frozenset({"name"}), sortable=frozenset({"name", "timestamp", "last_updated_timestamp", "creation_timestamp"}),
)  # fmt: skip
_ALIAS = re.compile(r"[\w-]{1,255}")


class Named(Ask, kw_only=True):
    """A registered model."""

    name: str


class CreateModel(Named, kw_only=True):
    """A new registered model."""

    description: str = ""
    tags: tuple[Pair, ...] = ()


class UpdateModel(Named, kw_only=True):
    """Another description."""

    description: str = ""


class RenameModel(Named, kw_only=True):
    """Another name."""

    new_name: str


class Search(Ask, kw_only=True):
    """A page of what meets a filter, in an order."""

    filter: str = ""
    max_results: Int64 | None = None
    order_by: tuple[str, ...] = ()
    page_token: str = ""


class TagModel(Named, kw_only=True):
    """A tag to set."""

    key: str
    value: str = ""


class ModelKey(Named, kw_only=True):
    """A tag to delete."""

    key: str


class AliasAsk(Named, kw_only=True):
    """An alias."""

    alias: str


class SetAlias(AliasAsk, kw_only=True):
    """An alias and the version that it is to name."""

    version: str


class Latest(Named, kw_only=True):
    """The newest version in each of some stages."""

    stages: tuple[str, ...] = ()


class RegisteredModels:
    """The routes of registered models."""

    def __init__(self, app: Ostinato) -> None:
        self._models = app.models
        self._approvals = app.settings.mlflow_approvals

    def create(self, ask: CreateModel) -> dict[str, Any]:
        """Make a model. It has no rules until somebody gives it some: whoever may promote moves its aliases."""
        name = native(_fresh(ask.name))
        if any(model.name == name for model in self._models.all()):
            raise AlreadyExists(f"Registered Model (name={ask.name}) already exists.")
        self._models.create_open(name, ask.description, self._approvals, {tag.key: tag.value for tag in ask.tags})
        return {"registered_model": self._shown(self._model(ask.name))}

    def get(self, ask: Named) -> dict[str, Any]:
        """A model with the newest version in each stage."""
        return {"registered_model": self._shown(self._model(ask.name))}

    def update(self, ask: UpdateModel) -> dict[str, Any]:
        """Describe a model anew."""
        self._models.describe(self._model(ask.name).name, ask.description)
        return {"registered_model": self._shown(self._model(ask.name))}

    def rename(self, ask: RenameModel) -> dict[str, Any]:
        """Call a model otherwise."""
        known = self._model(ask.name)
        if ask.new_name == ask.name:
            return {"registered_model": self._shown(known)}
        if any(model.name == native(_fresh(ask.new_name)) for model in self._models.all()):
            raise AlreadyExists(f"Registered Model (name={ask.new_name}) already exists.")
        return {"registered_model": self._shown(self._models.rename(known.name, native(ask.new_name)))}

    def delete(self, ask: Named) -> dict[str, Any]:
        """Take a model away with its versions; one that has aliases or rules is refused."""
        self._models.remove(self._model(ask.name).name)
        return {}

    def search(self, ask: Search) -> dict[str, Any]:
        """Models by name and tags; prompts only if the filter asks for them."""
        start, most = wire.offset(ask.page_token), wire.most(ask.max_results or None, 100, 1_000)
        clauses = _GRAMMAR.clauses(ask.filter)
        orders = [_GRAMMAR.order(text) for text in few(ask.order_by)]
        labels = {said.model: said for said in self._models.all_labels() if said.version is None}
        found = [(model, labels.get(model.name) or unlabelled(model)) for model in self._models.all()]
        if not any(clause.key == IS_PROMPT for clause in clauses):
            found = [one for one in found if one[1].tags.get(IS_PROMPT) != "true"]
        found = [one for one in found if all(_holds(clause, *one) for clause in clauses)]
        by = [(lambda one, key=key: _key(key, *one), down) for _, key, down in orders]
        found = ordered(found, [*by, (lambda one: foreign(one[0].name), False)])
        reply = wire.page("registered_models", found[start : start + most + 1], start, most)
        return reply | filled(registered_models=[self._shown(model, said) for model, said in found[start : start + most]])

    def tag(self, ask: TagModel) -> dict[str, Any]:
        """Set a tag."""
        self._models.tag(self._model(ask.name).name, {ask.key: ask.value})
        return {}

    def untag(self, ask: ModelKey) -> dict[str, Any]:
        """Delete a tag."""
        self._models.tag(self._model(ask.name).name, {ask.key: None})
        return {}

    def set_alias(self, ask: SetAlias) -> dict[str, Any]:
        """Let an alias name a version; where the model has rules, one that meets them."""
        if not _ALIAS.fullmatch(ask.alias):
            raise Invalid(f"Invalid alias name: '{ask.alias}'", hint="letters, digits, dashes and underscores", field="alias")
        if ask.alias.lower() == "latest" or re.fullmatch(r"[vV]\d+", ask.alias):
            raise Invalid(f"'{ask.alias}' alias name (case insensitive) is reserved.", field="alias")
        self._models.promote(f"{self._model(ask.name).name}@{numbered(ask.version)}", ask.alias)
        return {}

    def delete_alias(self, ask: AliasAsk) -> dict[str, Any]:
        """Let an alias name nothing."""
        self._models.withdraw(self._model(ask.name).name, ask.alias)
        return {}

    def by_alias(self, ask: AliasAsk) -> dict[str, Any]:
        """The version that an alias names."""
        model = self._model(ask.name)
        if ask.alias.lower() == "latest" and (newest := self._models.versions(model.name)):
            return {"model_version": shown_version(self._models, model, max(newest, key=lambda version: version.version))}
        if ask.alias not in model.aliases:
            raise Invalid(f"Registered model alias {ask.alias} not found.", field="alias")
        return {"model_version": shown_version(self._models, model, model.aliases[ask.alias])}

    def latest(self, ask: Latest) -> dict[str, Any]:
        """The newest version in each stage."""
        return filled(model_versions=self._newest(self._model(ask.name), [stage_of(stage) for stage in ask.stages]))

    def _newest(self, model: Model, stages: list[str]) -> list[dict[str, Any]]:
        newest: dict[str, dict[str, Any]] = {}
        for version in self._models.versions(model.name):
            shown = shown_version(self._models, model, version)
            newest[shown["current_stage"]] = shown
        return [newest[stage] for stage in STAGES if stage in newest and (not stages or stage in stages)]

    def _model(self, name: str) -> Model:
        try:
            return self._models.model(native(name))
        except NotFound:
            raise NotFound(f"Registered Model with name={name} not found") from None

    def _shown(self, model: Model, labels: Labels | None = None) -> dict[str, Any]:
        said = labels or self._models.labels(model.name)
        return filled(
            name=foreign(model.name),
            description=said.description,
            creation_timestamp=wire.millis(model.created_at),
            last_updated_timestamp=wire.millis(said.changed_at),
            user_id=model.created_by,
            latest_versions=self._newest(model, []),
            tags=wire.pairs(said.tags),
            aliases=[{"alias": alias, "version": str(number)} for alias, number in sorted(model.aliases.items())],
        )

    OPS: ClassVar[list[Op]] = [
        Op("POST", f"{A2}/registered-models/create", create, "model:write"),
        Op("GET", f"{A2}/registered-models/get", get, "model:read"),
        Op("PATCH", f"{A2}/registered-models/update", update, "model:write"),
        Op("POST", f"{A2}/registered-models/rename", rename, "model:write"),
        Op("DELETE", f"{A2}/registered-models/delete", delete, "model:write"),
        Op("GET", f"{A2}/registered-models/search", search, "model:read"),
        Op("POST", f"{A2}/registered-models/search", search, "model:read"),
        Op("POST", f"{A2}/registered-models/set-tag", tag, "model:write"),
        Op("DELETE", f"{A2}/registered-models/delete-tag", untag, "model:write"),
        Op("POST", f"{A2}/registered-models/alias", set_alias, "model:promote"),
        Op("DELETE", f"{A2}/registered-models/alias", delete_alias, "model:promote"),
        Op("GET", f"{A2}/registered-models/alias", by_alias, "model:read"),
        Op("GET", f"{A2}/registered-models/get-latest-versions", latest, "model:read"),
        Op("POST", f"{A2}/registered-models/get-latest-versions", latest, "model:read"),
    ]


def _fresh(name: str) -> str:
    """A name that a model may be given; those that have others by their import keep them.

    Raises:
        Invalid: it reads as a path or an address.
    """
    if "/" in name or ":" in name:
        said = f'Invalid model name: \'{name[:200]}\'. Registered model name cannot contain path separators ("/") or colons (":")'
        raise Invalid(said, field="name")
    return name


def native(name: str) -> str:
    """A name as it stands in references: what may not stand there is written as in addresses.

    >>> native("Random Forest"), foreign("Random%20Forest")
    ('Random%20Forest', 'Random Forest')

    Raises:
        Invalid: it is no name.
    """
    made = quote(name, safe="")
    if not made[:1].isalnum() or len(made) > 100:
        hint = "letters, digits, dots, dashes, underscores, and others, which count three each; 100 in all, the first no sign"
        raise Invalid(f"Invalid value {name[:200]!r} for parameter 'name' supplied: not a name of a model", hint=hint, field="name")
    return made.replace("~", "%7E")


def foreign(name: str) -> str:
    """A name as MLflow's clients call it."""
    return unquote(name)


def numbered(version: str) -> int:
    """The number of a version.

    Raises:
        Invalid: it is none.
    """
    if not re.fullmatch(r"[0-9]{1,9}", version):
        raise Invalid(f"Parameter 'version' must be an integer, got '{version[:100]}'.", field="version")
    return int(version)


def tag_of(key: str, tags: dict[str, str]) -> str | None:
    """A tag; what does not say that it is a prompt is none."""
    return tags.get(key, "false" if key == IS_PROMPT else None)


def unlabelled(model: Model) -> Labels:
    """What is written on a model that nobody has written on."""
    return Labels(model=model.name, version=None, description=model.description, tags={}, origin={}, changed_at=model.created_at)


def _holds(clause: Clause, model: Model, labels: Labels) -> bool:
    return holds(clause, tag_of(clause.key, labels.tags) if clause.kind == "tag" else foreign(model.name))


def _key(key: str, model: Model, labels: Labels) -> Any:
    return {"name": foreign(model.name), "creation_timestamp": model.created_at}.get(key, labels.changed_at)
