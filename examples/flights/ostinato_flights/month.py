"""Month: one month of the replay: requests day by day, then the delivery of its data, and what follows from it."""

from __future__ import annotations

from functools import partial

import ostinato as ost
from ostinato.data.types import CheckResult
from ostinato_flights.cast import Cast
from ostinato_flights.definitions import ENDPOINT, VIEW_NAMES, VIEWS
from ostinato_flights.journal import Journal
from ostinato_flights.progress import Progress
from ostinato_flights.release import Release
from ostinato_flights.source import Feed, after_the_last_landing, start_of
from ostinato_flights.traffic import Traffic

BAD_RELEASE_DAY = 12
"""On this day of its month the bad release is pushed, when no other rollout is under way."""


class Month:
    """A month, 1 to 12, played through the public doors; what an earlier replay finished is not done again."""

    def __init__(self, month: int, cast: Cast, feed: Feed, journal: Journal, release: Release, progress: Progress) -> None:
        self.month = month
        self.name = f"2013-{month:02d}"
        self._cast = cast
        self._feed = feed
        self._journal = journal
        self._release = release
        self._progress = progress

    def play(self, *, serves: bool, trains: bool, corrupted: bool, bad_release: bool) -> None:
        """The whole month."""
        if serves:
            self._journal.once(f"{self.name}/served", partial(self._serve, bad_release))
        self._cast.set_clock(after_the_last_landing(self.month))
        refused = self._journal.once(f"{self.name}/refused", partial(self._deliver_corrupted, "flights")) if corrupted else 0
        for name in ("weather", "flights"):
            self._journal.once(f"{self.name}/{name}", partial(self._deliver, name, refused if name == "flights" else 0))
        if serves:
            self._close()
        elif trains:
            self._journal.once(f"{self.name}/first release", lambda: self._release.first(self.month))

    def _serve(self, bad_release: bool) -> dict[str, int]:
        """Answer the sampled flights of every day; releases go out on the way. A month that is over must not touch the next one's."""
        if self._release.waiting is not None:
            self._journal.once(f"{self.name}/rollout", partial(self._release.start, self._release.waiting))
        traffic = Traffic(self.month, self._cast, self._feed, self._release, dense=bad_release)
        for day in traffic.days:
            if bad_release and day >= BAD_RELEASE_DAY and not self._release.rolling:
                self._journal.once(f"{self.name}/bad release", lambda: self._release.bad(self.month))
            self._journal.once(f"{self.name}/day {day:02d}", partial(traffic.play, day))
            self._release.watch()
        self._release.settle()
        counts = [self._journal.get(f"{self.name}/day {day:02d}") for day in traffic.days]
        served = {key: sum(count[key] for count in counts) for key in ("requests", "failures")}
        self._progress.good(f"{served['requests']:,} requests answered one by one, {served['failures']} failed")
        return served

    def _deliver_corrupted(self, name: str) -> int:
        """A delivery that breaks the contract is quarantined; an act of its own, for once the corrected one is in, this one is refused."""
        spec = ost.SourceSpec(kind="csv", parameters={"path": self._feed.month(name, self.month, corrupted=True)})
        refused = self._cast.loop.datasets.deliver(name, spec, key=self.name)
        for failure in refused.report.failures:
            gist = f", such as {_gist(failure)}" if failure.sample else ""
            self._progress.warn(f"{failure.check}({', '.join(failure.columns)}): {failure.violations} rows{gist}")
        self._progress.warn(f"{name} of {self.name}: quarantined, {refused.rows:,} rows; an alert is raised")
        return refused.rows

    def _deliver(self, name: str, quarantined: int) -> dict[str, object]:
        """Deliver the month's data, and load it into the views over it."""
        datasets = self._cast.loop.datasets
        spec = ost.SourceSpec(kind="csv", parameters={"path": self._feed.month(name, self.month)})
        delivery = datasets.deliver(name, spec, key=self.name)
        if delivery.version is None:
            raise ost.OstinatoError(f"{name} of {self.name} broke its contract: {[f.message for f in delivery.report.failures]}")
        for view in VIEWS:
            if view.dataset == name:
                self._cast.loop.features.define(view)
                self._cast.loop.features.materialize(view.name, f"{name}@{delivery.version}")
        gaps = {c.name: c.nulls / c.rows for c in datasets.profile(f"{name}@{delivery.version}").columns}
        worst = max(gaps, key=lambda column: gaps[column])
        self._progress.good(
            f"{name}@{delivery.version}: {delivery.rows:,} rows delivered, {len(delivery.report.results)} checks passed; "
            f"{worst} is missing most often, in {gaps[worst]:.1%}"
        )
        return {"rows": delivery.rows, "version": delivery.version, "quarantined": quarantined}

    def _close(self) -> None:
        """Predict the rest in batch, join the labels, measure the month, look for drift, and let the loop react."""
        since, until = start_of(self.month), start_of(self.month + 1)
        version = self._journal.get(f"{self.name}/flights")["version"]
        self._journal.once(f"{self.name}/batch", lambda: self._batch(version))
        self._journal.once(f"{self.name}/measured", self._measure)
        found = self._journal.once(f"{self.name}/monitored", lambda: self._release.monitor(self.month, since, until))
        self._progress.good(f"{found['findings']} findings, of which {found['drift']} of drift; {found['performance']} of performance")
        self._journal.once(f"{self.name}/retrained", lambda: self._release.review(found))

    def _batch(self, version: int) -> dict[str, object]:
        """Every flight of the month that was not asked for is predicted in one job, with what was known before its departure."""
        since, until = start_of(self.month), start_of(self.month + 1)
        endpoints = self._cast.loop.endpoints
        month = {"since": since, "until": until}
        dataset, key = f"flights@{version}", f"{self.name}-batch"
        execution = endpoints.batch(ENDPOINT, dataset, key, views=VIEW_NAMES, at="predict_at", request_id="flight_id", **month)
        predicted = self._release.finished(execution.id)
        labelled = endpoints.label_from(ENDPOINT, dataset, request_id="flight_id", label="late", **month)
        self._progress.good(f"{predicted['scored']:,} flights predicted in batch; {labelled:,} labels joined by request id")
        return {"rows": predicted["scored"], "labels": labelled}

    def _measure(self) -> dict[str, object]:
        """Compare what the loop predicted with what happened, and with the first model left alone."""
        pipelines = self._cast.loop.pipelines
        parameters = {"month": self.month, "static": self._journal.get("static")}
        execution = pipelines.start("ostinato_flights.measuring:measure_month", parameters, key=f"{self.name}-measure")
        measured: dict[str, object] = self._release.finished(execution.id)
        self._progress.good(
            f"AUC {measured['auc_loop']:.3f}, of the first model left alone {measured['auc_static']:.3f}; "
            f"saved ${measured['saved_loop']:,.0f} against ${measured['saved_static']:,.0f}"
        )
        return measured


def _gist(failure: CheckResult) -> str:
    """One offending row, by its key and the columns that the check looks at."""
    row = failure.sample[0]
    return ", ".join(f"{name} {row[name]}" for name in dict.fromkeys(["flight_id", *failure.columns]))
