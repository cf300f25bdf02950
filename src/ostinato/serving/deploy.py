"""The verbs of Endpoints that deploy versions, issue keys, and show what is in production."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from datetime import datetime

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict, NotFound, Unavailable
from ostinato.kernel.name import checked_name
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.registry.lookup import find_version
from ostinato.registry.service import Models
from ostinato.serving import store
from ostinato.serving.lookup import find_endpoint, servable_version
from ostinato.serving.reconcile import PlaneReconciler
from ostinato.serving.types import Endpoint, EndpointKey, Production, Release, Rollout, Served, Share
from ostinato.storage.rows.rows import Rows, Tx

_NAME_MAX = 63


class Deployments:
    """A mixin of Endpoints, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock
    _models: Models
    _planes: PlaneReconciler

    def deploy(self, endpoint: str, model: str, reason: str = "") -> Endpoint:
        """Deploy the approved version that `model` (`late@champion`, `late@7`) names now to `endpoint`, which is created if new.

        Returns once the plane serves that version; the version before answers until then. Where it is served already,
        nothing changes.

        Raises:
            Conflict: the version is not approved, or a rollout is running.
            GateFailed: the version may run code, and the store or its model does not allow it.
            Unavailable: the plane does not serve it yet; it is deployed and goes on trying.
        """
        checked_name(endpoint, "an endpoint", most=_NAME_MAX, field="endpoint")
        who, found = caller(), servable_version(self._models.usable(model), self._clock.now())
        self._models.sandbox(found.model, found.flavor)
        version = found.ref
        shares = [Share(version=version, role="stable", weight=1.0)]

        def change(tx: Tx) -> Endpoint:
            row, now = store.endpoint(tx, who.project, endpoint), self._clock.now()
            if row is not None and (row.version, row.rollout) == (str(version), None):
                return store.read_endpoint(row)
            if row is not None and row.rollout is not None:
                raise Conflict(f"a rollout of {endpoint} is running", hint="wait for it, or endpoints.abort it")
            servable_version(find_version(tx, str(version), now)[1], now)  # meanwhile it may have been retired or removed
            made = Endpoint(
                name=endpoint, model=version.name, version=version, shares=shares, rollout=None, created_at=now, created_by=who.actor
            )
            if row is None:
                store.add_endpoint(tx, who.project, made, secrets.token_hex(8))
            store.release(tx, who.project, endpoint, shares, None, now, who.actor, reason)
            self._ledger.append(tx, "endpoint.deployed", Ref("endpoint", endpoint), inputs=(version,), data={"reason": reason})
            return made

        made = self._rows.write(change)
        problem = self._planes.shown(endpoint).problem
        if problem:
            raise Unavailable(problem, hint="what was served before goes on; deploy a version that loads")
        return made

    def get(self, endpoint: str) -> Endpoint:
        """An endpoint, with the versions that answer."""
        return self._rows.read(lambda tx: store.read_endpoint(find_endpoint(tx, endpoint)))

    def all(self) -> list[Endpoint]:
        """Every endpoint of the project, by name."""
        return self._rows.read(lambda tx: [store.read_endpoint(row) for row in store.endpoints(tx, caller().project)])

    def url(self, endpoint: str) -> str:
        """The address of the endpoint (Open Inference Protocol): `POST {url}/v2/models/{endpoint}/infer`.

        Raises:
            Unavailable: its plane is not ready.
        """
        return f"http://127.0.0.1:{self._planes.shown(endpoint).port}"

    def key(self, endpoint: str, name: str = "default") -> EndpointKey:
        """Issue a key for the endpoint, replacing the caller's key of the same name. Only its hash is stored."""
        who, secret = caller(), f"oste_{secrets.token_urlsafe(32)}"
        self._set_key(endpoint, f"{who.actor}/{name}", hashlib.sha256(secret.encode()).hexdigest(), "endpoint.key_issued")
        return EndpointKey(endpoint=endpoint, name=f"{who.actor}/{name}", secret=secret)

    def keys(self, endpoint: str) -> list[str]:
        """The names of the endpoint's keys, as `ACTOR/NAME`."""
        return self._rows.read(lambda tx: sorted(find_endpoint(tx, endpoint).keys))

    def revoke_key(self, endpoint: str, key: str) -> None:
        """Revoke a key; `key` is its name as `ACTOR/NAME`.

        Raises:
            NotFound: there is no such key.
        """
        known = self.keys(endpoint)
        if key not in known:
            raise NotFound.named("key", key, known)
        self._set_key(endpoint, key, None, "endpoint.key_revoked")

    def _set_key(self, endpoint: str, name: str, digest: str | None, verb: str) -> None:
        def change(tx: Tx) -> None:
            row = find_endpoint(tx, endpoint)
            keys = {known: hashed for known, hashed in row.keys.items() if known != name} | ({name: digest} if digest else {})
            store.set_endpoint(tx, caller().project, endpoint, keys=keys)
            self._ledger.append(tx, verb, Ref("endpoint", endpoint), data={"name": name})

        self._rows.write(change)
        self._planes.shown(endpoint)

    def production(self, endpoint: str, at: datetime | None = None) -> Production:
        """The versions in production at the instant `at` (default: now), since when, who put them there, and who had approved them.

        Raises:
            NotFound: nothing answered then.
        """
        who, when = caller(), at or self._clock.now()
        self.get(endpoint)
        found = [r for r in self._rows.read(lambda tx: store.releases(tx, who.project, endpoint)) if r.since <= when]
        if not found:
            raise NotFound(f"{endpoint} served nothing at {when.isoformat()}")
        release = found[-1]
        back_to = release.stable if len(release.shares) > 1 else version_before(found)
        running = self._rows.read(lambda tx: _under_way(store.rollouts(tx, who.project, endpoint), when))
        return Production(
            endpoint=endpoint, at=when, since=release.since, by=release.by, reason=release.reason,
            versions=[self._served(share, when) for share in release.shares], rollout=running.id if running else None,
            back_to=back_to,
        )  # fmt: skip

    def _served(self, share: Share, when: datetime) -> Served:
        decisions = [d for d in self._models.get(str(share.version)).decisions if d.kind == "approved" and d.at <= when]
        return Served(
            version=share.version,
            role=share.role,
            weight=share.weight,
            approved_by=[d.by if d.by == d.responsible else f"{d.by} ({d.responsible})" for d in decisions],
            reasons=[d.reason for d in decisions],
        )


def _under_way(newest_first: Iterator[Rollout], when: datetime) -> Rollout | None:
    """The one that was under way at the instant: one follows upon another, so the last that had begun by then, if any."""
    last = next((rollout for rollout in newest_first if rollout.started_at <= when), None)
    return last if last is not None and (last.ended_at is None or when < last.ended_at) else None


def version_before(releases: list[Release]) -> Ref | None:
    """The stable version before the last one; what was once left by a rollback is not gone back to.

    >>> def at(version: str, back: bool = False) -> Release:
    ...     share = Share(version=Ref("model", "m", version), role="stable", weight=1.0)
    ...     return Release(shares=[share], since=datetime(2013, 1, 1), by="", reason="", back=back)
    >>> str(version_before([at("1"), at("2"), at("1")])), version_before([at("1"), at("2"), at("1", back=True)])
    ('model:m@2', None)
    """
    standing: list[Ref] = []
    for release in releases:
        if release.back and release.stable in standing:
            last = len(standing) - 1 - standing[::-1].index(release.stable)
            del standing[last:]
        if release.stable not in standing[-1:]:
            standing.append(release.stable)
    return standing[-2] if len(standing) > 1 else None
