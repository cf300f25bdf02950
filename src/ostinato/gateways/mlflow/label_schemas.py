"""Label schemas: what MLflow's clients call what reviewers of traces are asked."""

from __future__ import annotations

from typing import Any, ClassVar

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.errors import AlreadyExists
from ostinato.gateways.mlflow.experiments import Experiments
from ostinato.gateways.mlflow.wire import A3, Ask, Int64, filled
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.operation import Op
from ostinato.traces.questions import DEFAULT
from ostinato.traces.review_types import Answer, Question

_KINDS = {"FEEDBACK": "feedback", "1": "feedback", "EXPECTATION": "expectation", "2": "expectation"}


class PassFail(Ask, kw_only=True):
    """One of two words."""

    positive_label: str = ""
    negative_label: str = ""


class Categorical(Ask, kw_only=True):
    """One or several of some words."""

    options: tuple[str, ...] = ()
    multi_select: bool = False


class Numeric(Ask, kw_only=True):
    """A number."""

    min_value: float | None = None
    max_value: float | None = None


class Words(Ask, kw_only=True):
    """A text."""

    max_length: Int64 | None = None


class Input(Ask, kw_only=True):
    """What may be answered: one of these."""

    pass_fail: PassFail | None = None
    categorical: Categorical | None = None
    numeric: Numeric | None = None
    text: Words | None = None

    def answer(self) -> Answer:
        """What may be answered, in our words.

        Raises:
            Invalid: it is none of them, or more than one.
        """
        match self.pass_fail, self.categorical, self.numeric, self.text:
            case PassFail() as either, None, None, None:
                return Answer(kind="pass_fail", options=[either.positive_label, either.negative_label])
            case None, Categorical() as some, None, None:
                return Answer(kind="choice", options=list(some.options), several=some.multi_select)
            case None, None, Numeric() as number, None:
                return Answer(kind="number", least=number.min_value, most=number.max_value)
            case None, None, None, Words() as words:
                return Answer(kind="text", signs_max=words.max_length)
        said = "Label schema `input` must have exactly one of `pass_fail`, `categorical`, `numeric`, or `text` set."
        raise Invalid(said, field="input")


class CreateSchema(Ask, kw_only=True):
    """A new schema."""

    experiment_id: str
    name: str
    type: str | int = ""
    input: Input | None = None
    instruction: str = ""
    enable_comment: bool = False


class SchemaAsk(Ask, kw_only=True):
    """A schema."""

    schema_id: str


class SchemaByName(Ask, kw_only=True):
    """The schema of a name."""

    experiment_id: str
    name: str


class ListSchemas(Ask, kw_only=True):
    """A page of the schemas of an experiment."""

    experiment_id: str
    max_results: Int64 | None = None
    page_token: str = ""


class UpdateSchema(SchemaAsk, kw_only=True):
    """What becomes of a schema; what is not said stays."""

    name: str | None = None
    instruction: str | None = None
    enable_comment: bool | None = None
    input: Input | None = None


class LabelSchemas:
    """The routes of label schemas."""

    def __init__(self, app: Ostinato) -> None:
        self._traces = app.traces
        self._experiments = Experiments(app)

    def create(self, ask: CreateSchema) -> dict[str, Any]:
        """Ask something of reviewers."""
        if (kind := _KINDS.get(str(ask.type))) is None:
            raise Invalid(f"Label schema `type` must be one of FEEDBACK or EXPECTATION; got {ask.type!r:.100}.", field="type")
        experiment = self._experiments.living(ask.experiment_id)
        self._check_free(experiment, ask.name)
        answer, expected = (ask.input or Input()).answer(), kind == "expectation"
        made = self._traces.create_question(
            experiment, ask.name, answer, "expectation" if expected else "feedback", ask.instruction, ask.enable_comment
        )
        return {"label_schema": _shown(made)}

    def get(self, ask: SchemaAsk) -> dict[str, Any]:
        """A schema."""
        return {"label_schema": _shown(self._known(ask.schema_id))}

    def by_name(self, ask: SchemaByName) -> dict[str, Any]:
        """The schema of a name."""
        for found in self._traces.questions(self._experiments.living(ask.experiment_id)):
            if found.name == ask.name:
                return {"label_schema": _shown(found)}
        raise NotFound(f"Label schema with name '{ask.name[:250]}' not found for experiment '{ask.experiment_id[:100]}'.")

    def all(self, ask: ListSchemas) -> dict[str, Any]:
        """The schemas of an experiment, the newest first, and last the one that every experiment has."""
        start, most = wire.offset(ask.page_token), wire.most(ask.max_results, 100, 50_000)
        found = self._traces.questions(self._experiments.living(ask.experiment_id))
        return wire.page("label_schemas", [_shown(one) for one in found[start : start + most + 1]], start, most)

    def update(self, ask: UpdateSchema) -> dict[str, Any]:
        """Ask otherwise."""
        known = self._known(ask.schema_id)
        if ask.name not in (None, known.name) and not known.default:
            self._check_free(known.experiment, str(ask.name))
        answer = ask.input.answer() if ask.input else known.answer
        if answer.kind != known.answer.kind and not known.default:
            raise Invalid("A label schema's input type cannot be changed after creation.", field="input")
        if answer.several != known.answer.several:
            raise Invalid("`InputCategorical.multi_select` cannot be changed after creation.", field="input")
        changed = self._traces.change_question(ask.schema_id, ask.name, ask.instruction, ask.enable_comment, answer)
        return {"label_schema": _shown(changed)}

    def delete(self, ask: SchemaAsk) -> dict[str, Any]:
        """Ask no more."""
        self._traces.drop_question(ask.schema_id)
        return {}

    def _known(self, schema_id: str) -> Question:
        try:
            return self._traces.question(schema_id)
        except NotFound:
            raise NotFound(f"Label schema with id '{schema_id[:100]}' not found.") from None

    def _check_free(self, experiment: str, name: str) -> None:
        if name != DEFAULT and any(found.name == name for found in self._traces.questions(experiment)):
            raise AlreadyExists(f"Label schema with name '{name[:250]}' already exists for experiment '{experiment}'.")

    OPS: ClassVar[list[Op]] = [
        Op("POST", f"{A3}/label-schemas/create", create, "trace:write"),
        Op("GET", f"{A3}/label-schemas/get", get, "trace:read"),
        Op("GET", f"{A3}/label-schemas/get-by-name", by_name, "trace:read"),
        Op("GET", f"{A3}/label-schemas/list", all, "trace:read"),
        Op("PATCH", f"{A3}/label-schemas/update", update, "trace:write"),
        Op("DELETE", f"{A3}/label-schemas/delete", delete, "trace:write"),
    ]


def _shown(one: Question) -> dict[str, Any]:
    return filled(
        schema_id=one.id,
        experiment_id=one.experiment,
        name=one.name,
        type=one.kind.upper(),
        instruction=one.instruction,
        created_by=None if one.default else one.created_by,
        created_at=wire.millis(one.created_at),
        last_updated_at=wire.millis(one.changed_at),
    ) | {"enable_comment": one.comment, "is_default": one.default, "input": _input(one.answer)}


def _input(answer: Answer) -> dict[str, Any]:
    match answer.kind:
        case "pass_fail":
            return {"pass_fail": {"positive_label": answer.options[0], "negative_label": answer.options[1]}}
        case "choice":
            return {"categorical": {"options": answer.options, "multi_select": answer.several}}
        case "number":
            return {"numeric": filled(min_value=answer.least, max_value=answer.most)}
    return {"text": filled(max_length=answer.signs_max)}
