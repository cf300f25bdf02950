"""The verbs of Models for model cards: the card, its written sections, and its export formats."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ostinato.evaluation.service import Evaluations
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Conflict
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.registry import store
from ostinato.registry.card import check_note, render
from ostinato.registry.export import as_html, front_matter
from ostinato.registry.labels import labels_of
from ostinato.registry.lookup import find_model
from ostinato.registry.pages import Pages
from ostinato.registry.types import Note
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.tracking.service import Runs


class Cards(Pages):
    """A mixin of Models, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock
    _runs: Runs
    _evaluations: Evaluations

    def card(self, ref: str, at: datetime | None = None, form: Literal["markdown", "html", "huggingface"] = "markdown") -> str:
        """The model card of a version, perhaps as it was at an instant: every statement is a recorded value, or says who owes it.

        `markdown` is text, `html` a page that stands alone and runs nothing, `huggingface` Markdown under the metadata that the
        Hugging Face Hub reads.
        """
        of, found, check, _ = self._find_version_at(ref, at)
        evaluation = self._evaluations.get(found.evaluation) if found.evaluation else None
        params = self._runs.get(found.run.name).params if found.run else {}
        notes = [n for n in self.notes(of.name) if at is None or n.at <= at]
        text = render(of, found, evaluation, check, notes, params)
        if form == "html":
            return as_html(text, f"{of.name} version {found.version}")
        if form == "huggingface":
            labels = self._rows.read(lambda tx: labels_of(tx, of.name, self._clock.now()))
            return front_matter(of, found, evaluation, labels.tags) + text
        return text

    def card_note(self, model: str, section: str, text: str, after: int | None = None) -> Note:
        """Write a section of a model's cards, in Markdown. Earlier texts stay in the history. Idempotent.

        `after` is the number of the text that is to be replaced, 0 where there was none.

        Raises:
            Conflict: somebody has written the section since `after`.
            Invalid: the section has no name or that of a recorded one, or the text is too long.
        """
        who, name = caller(), section.strip()
        check_note(name, text)

        def change(tx: Tx) -> Note:
            find_model(tx, model)
            written = [n for n in store.notes(tx, who.project, model) if n.section == name]
            if written and (written[-1].text, written[-1].by) == (text, who.actor):
                return written[-1]
            if after is not None and after != len(written):
                last = written[-1] if written else None
                by = f"{last.by} wrote {name!r} on {last.at:%Y-%m-%d %H:%M}" if last else f"nobody has written {name!r} yet"
                raise Conflict(by, hint="read it, and write on top of it")
            made = Note(section=name, text=text, by=who.actor, at=self._clock.now(), number=len(written) + 1)
            store.add_note(tx, who.project, model, made)
            self._ledger.append(tx, "model.documented", Ref("model", model), data={"section": name, "number": made.number})
            return made

        return self._rows.write(change)

    def notes(self, model: str) -> list[Note]:
        """All texts ever written into the cards of a model, oldest first, numbered by section."""
        return self._rows.read(lambda tx: store.notes(tx, caller().project, find_model(tx, model).name))
