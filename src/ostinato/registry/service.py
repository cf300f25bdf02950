"""Models: register versions, hold them against gates, let a second person approve them, move aliases and say who did."""

from __future__ import annotations

from dataclasses import replace

from ostinato.access.service import Access
from ostinato.data.service import Datasets
from ostinato.evaluation.service import Evaluations
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.digest import digest_of
from ostinato.kernel.errors import Conflict, Invalid
from ostinato.kernel.event import Event
from ostinato.kernel.name import checked_name
from ostinato.kernel.ref import Ref
from ostinato.kernel.settings import Settings
from ostinato.ledger.service import Ledger
from ostinato.registry import store
from ostinato.registry.adoption import Adoptions
from ostinato.registry.approve import checked_reason
from ostinato.registry.binding import plain, rules_of
from ostinato.registry.cards import Cards
from ostinato.registry.comparison import Comparisons
from ostinato.registry.emergency import Emergencies
from ostinato.registry.gate import gate_of
from ostinato.registry.handling import Handling
from ostinato.registry.labels import Labelling, keep_labels
from ostinato.registry.lookup import find_model, find_version
from ostinato.registry.origins import versions_made_from
from ostinato.registry.ownership import Ownership, checked_owners, warn
from ostinato.registry.purging import Purging
from ostinato.registry.query import Finding
from ostinato.registry.removal import Removals, called
from ostinato.registry.tiers import Tiers
from ostinato.registry.types import (
    GateSpec,
    Labels,
    Model,
    ModelVersion,
    Risk,
    Scalar,
    Signature,
)
from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.blobs.uploads import Arriving, Uploads
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.tracking.service import Runs


class Models(Adoptions, Purging, Cards, Comparisons, Finding, Removals, Emergencies, Tiers, Ownership, Labelling, Handling, Arriving):
    """The verbs of models. A parameter `ref` is `late@7` or `late@champion`."""

    def __init__(
        self,
        *,
        rows: Rows,
        blobs: Blobs,
        ledger: Ledger,
        clock: Clock,
        runs: Runs,
        evaluations: Evaluations,
        datasets: Datasets,
        access: Access | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._rows = rows
        self._blobs = blobs
        self._uploads = Uploads(blobs, rows)
        self._ledger = ledger
        self._clock = clock
        self._runs = runs
        self._evaluations = evaluations
        self._datasets = datasets
        self._access = access
        self._settings = settings
        self.in_use = lambda *_: []
        evaluations.recorded = self._reevaluated
        runs.needed_by = versions_made_from
        ledger.called["model"] = called

    # ---- models and versions

    def create(
        self,
        name: str,
        description: str = "",
        owner: str = "",
        risk: Risk = "low",
        gates: list[GateSpec] | None = None,
        approvals: int | None = None,
        owners: list[str] | None = None,
    ) -> Model:
        """Create a model: its purpose, its owner (default: the caller) and co-owners, the gates of its versions and how many
        people must approve one, at least as many as its risk asks (`models.tiers`).

        Raises:
            Invalid: the name has another shape than `late` or `flight-delay`, or no approval would be needed.
            NotFound: a gate is unknown.
            Conflict: there is a model of that name that was created with something else.
        """
        rules = list(gates or [])
        own = 1 if approvals is None else approvals
        checked_name(name, "a model")
        _check_rules(rules, own)
        owned = list(dict.fromkeys([*([owner] if owner else []), *(owners or [])])) or [caller().actor]
        checked_owners(owned)
        return self._create(name, description, owned, risk, rules, own)

    def create_open(self, name: str, description: str = "", approvals: int = 0, tags: dict[str, str] | None = None) -> Model:
        """Make a model without gates, as other registries know them: with no approvals needed, whoever may promote moves its aliases.

        Its name may hold signs as addresses write them (`%20`). `models.require` gives it rules. In process only.
        """
        checked_name(name.replace("%", "-"), "a model")
        labels = Labels(model=name, version=None, description=description, tags=tags or {}, origin={}, changed_at=self._clock.now())
        return self._create(name, description, [caller().actor], "low", [], approvals, labels)

    def _create(
        self, name: str, description: str, owners: list[str], risk: Risk, rules: list[GateSpec], own: int, labels: Labels | None = None
    ) -> Model:
        who = caller()
        made = Model(
            name=name,
            description=description,
            owner=owners[0],
            owners=owners,
            risk=risk,
            gates=rules,
            approvals=own,
            created_at=self._clock.now(),
            created_by=who.actor,
        )
        content = digest_of([name, description, owners if owners[1:] else made.owner, risk, plain(rules), own])
        data = {"risk": risk, "gates": plain(rules), "approvals": own}
        told = {"description": description, "tags": labels.tags} if labels else {}

        def change(tx: Tx) -> Model:
            known = store.created_with(tx, who.project, name)
            if known is None:
                store.add_model(tx, who.project, made, own, content)
                self._ledger.append(tx, "model.created", Ref("model", name), data=data | told)
                if labels:
                    keep_labels(tx, labels)
            elif known != content:
                raise Conflict(f"the model {name!r} exists and was created otherwise", hint="models.require changes its gates")
            return find_model(tx, name)

        return self._rows.write(change)

    def require(self, model: str, gates: list[GateSpec], approvals: int, reason: str) -> Model:
        """Replace the gates of a model and the number of approvals. Checks, approvals and policies made before are void.

        Raises:
            Invalid: no approval would be needed, or there is no reason.
        """
        who, why = caller(), checked_reason(reason)
        _check_rules(gates, approvals)

        def change(tx: Tx) -> Model:
            known = find_model(tx, model)
            asked = store.needed(approvals, known.tier) if known.tier else approvals
            if rules_of(known) != rules_of(replace(known, gates=gates, approvals=asked)):
                store.set_rules(tx, who.project, model, gates, approvals)
                self._ledger.append(
                    tx, "model.required", Ref("model", model), data={"gates": plain(gates), "approvals": approvals, "reason": why}
                )
            return find_model(tx, model)

        return self._rows.write(change)

    def upload(self, artifact: bytes) -> str:
        """Store an artifact. Returns its digest, for `register`."""
        return self._blobs.put(artifact).digest

    def upload_sent(self, upload: str, size: int) -> str:
        """Store an upload that was sent in parts, `size` bytes in all, as an artifact; otherwise like `upload`.

        Raises:
            NotFound: nothing of the upload has arrived, or it was forgotten, a day after its last part.
            Conflict: a part is missing.
            Invalid: the parts are not the bytes that the upload is called by.
        """
        return self._uploads.finish(upload, size).digest

    def register(
        self,
        model: str,
        artifact: str,
        flavor: str,
        signature: Signature,
        run: Ref | None = None,
        datasets: list[Ref] | None = None,
        evaluation: str | None = None,
        features: list[str] | None = None,
        note: str = "",
        key: str = "",
        example: dict[str, list[Scalar]] | None = None,
    ) -> ModelVersion:
        """Register the next version of a model from an uploaded artifact. The caller is its author.

        `run` made it, from `datasets` (each with its version) and the feature views `features`; `evaluation` is the id of
        an evaluation of that run. The same `key` (by default artifact and run) with the same content is the same version.
        `example` are up to 100 rows of inputs by column: what the model makes of them is kept as the proof by which a plane knows it.

        Raises:
            Invalid: the artifact cannot be loaded, holds a type that is not allowed, or does not fit the signature or the example; or the
                evaluation is not one of the run.
            GateFailed: the flavor may run code, and the store or the model does not allow it.
            NotFound: model, artifact, flavor, run, dataset version or evaluation is unknown.
            Conflict: the key names a version with another content.
        """
        drawn = list(datasets or [])
        self._check_origin(run, drawn, evaluation)
        content = self._blobs.open(artifact)
        proof = self._admit(self.model(model), flavor, content, signature, example)
        draft = ModelVersion(
            model=model,
            version=0,
            ref=Ref("model", model),
            state="registered",
            artifact=artifact,
            size=len(content),
            flavor=flavor,
            signature=signature,
            run=run,
            datasets=drawn,
            evaluation=evaluation,
            features=list(features or []),
            note=note,
            author=caller().actor,
            registered_at=self._clock.now(),
            binding="",
        )
        return self._rows.write(lambda tx: self._add_version(tx, draft, key or digest_of([artifact, str(run)]), proof))

    def model(self, model: str) -> Model:
        """A model with its gates, aliases and latest version."""
        return self._rows.read(lambda tx: find_model(tx, model))

    def all(self) -> list[Model]:
        """Every model of the project, by name."""
        return self._rows.read(lambda tx: store.all_models(tx, caller().project))

    def versions(self, model: str) -> list[ModelVersion]:
        """Every version of a model, oldest first."""
        return self._rows.read(lambda tx: store.versions(tx, caller().project, find_model(tx, model), self._clock.now()))

    def get(self, ref: str) -> ModelVersion:
        """A version by number or alias, with its state and all decisions about it."""
        return self._rows.read(lambda tx: find_version(tx, ref, self._clock.now())[1])

    def resolve(self, ref: str) -> Ref:
        """Resolve a reference to a version: `late@champion` → `model:late@7`; with a notice if it is deprecated."""
        return self.usable(ref).ref

    def usable(self, ref: str) -> ModelVersion:
        """A version, for use; whoever means to use one that is deprecated is told. In process only."""
        of, found = self._rows.read(lambda tx: find_version(tx, ref, self._clock.now()))
        warn(of, found)
        return found

    def artifact(self, ref: str) -> bytes:
        """The bytes of the artifact of a version."""
        return self._blobs.open(self.get(ref).artifact)

    def history(self, model: str) -> list[Event]:
        """Every act on a model and its versions, oldest first."""
        return self._ledger.history(Ref("model", model))

    def _check_origin(self, run: Ref | None, datasets: list[Ref], evaluation: str | None) -> None:
        if run is not None:
            self._runs.get(run.name)
        for drawn in datasets:
            if drawn.kind != "dataset" or drawn.version is None:
                raise Invalid(f"{drawn} is not a version of a dataset", hint="write dataset:flights@4", field="datasets")
            self._datasets.version(f"{drawn.name}@{drawn.version}")
        if evaluation is not None:
            subject = self._evaluations.get(evaluation).subject
            if subject != run:
                raise Invalid(
                    f"evaluation {evaluation} is one of {subject}, not of {run}",
                    hint="record it with the run as subject",
                    field="evaluation",
                )


def _check_rules(gates: list[GateSpec], approvals: int) -> None:
    for gate in gates:
        gate_of(gate)
    if approvals < 1:
        raise Invalid("a model needs at least one approval", hint="declare a policy to approve without a person present", field="approvals")
