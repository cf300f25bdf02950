"""The verbs of Models that show how safely a version can be loaded, and check its reference predictions again."""

from __future__ import annotations

from contextlib import suppress

from ostinato.kernel.errors import GateFailed, MissingExtra, NotFound
from ostinato.registry.flavor import FLAVORS, care_of, is_folder, is_plain
from ostinato.registry.loading import Loading
from ostinato.registry.proof import compared, prove
from ostinato.registry.sandbox.process import SandboxProcess
from ostinato.registry.views import Handled, HeldType, Proven


class Handling(Loading):
    """A mixin of Models, which sets the attributes that are annotated here."""

    def handling(self, ref: str) -> Handled:
        """How a version can be loaded: in any process, in a separate process, or only in the sandbox; the types in its artifact where
        they are on a list, and by which; whether it may be loaded here at all, or why not; and its input example.

        Raises:
            NotFound: there is no such version.
        """
        found = self.get(ref)
        care, types = care_of(found.flavor), list[HeldType]()
        if care == "none" and not is_folder(found.flavor):
            content = self._blobs.open(found.artifact)
            care = "none" if is_plain(found.flavor, content) else "parser"
            if (named := getattr(FLAVORS.make(found.flavor), "types", None)) is not None:
                with suppress(MissingExtra):
                    types = [HeldType(name=name, listed=listed) for name, listed in sorted(named(content).items())]
        problem = None
        try:
            self.sandbox(found.model, found.flavor)
        except GateFailed as error:
            problem = error
        return Handled(
            ref=found.ref, flavor=found.flavor, care=care, types=types, trust=self.trusted(found.model) if care == "code" else None,
            problem=problem.message if problem else "", hint=problem.hint if problem else "", proof=self.proved(ref),
        )  # fmt: skip

    def prove(self, ref: str) -> Proven:
        """Load a version and score its input example again, to check that it answers as it did at registration.

        Raises:
            NotFound: it has no input example.
            GateFailed: its flavor may run code, and the store or the model does not allow it.
            Invalid: it does not answer the example at all.
        """
        kept = self.proved(ref)
        if kept is None:
            raise NotFound(f"{ref} has no input example", hint="models.register(…, example={column: values})")
        scorer = self.scorer(ref)
        try:
            now = prove(scorer, kept.example)
        finally:
            if isinstance(scorer, SandboxProcess):
                scorer.close()
        away, close = compared(kept.scores, now.scores) if kept.scores else (0.0, True)
        return Proven(example=kept.example, registered=kept.scores, now=now.scores, equal=now.scores == kept.scores, close=close, away=away)
