"""Step and Pipeline: plain functions whose calls an execution memoizes."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Iterable
from typing import Any, Generic, ParamSpec, TypeVar, get_type_hints, overload

from ostinato.kernel.errors import Invalid, NotFound
from ostinato.pipelines.context import flow

P = ParamSpec("P")
R = TypeVar("R")


class Defined(Generic[P, R]):
    """A function with a name, a target `module:function`, and its signature read once."""

    def __init__(self, function: Callable[P, R], name: str) -> None:
        functools.update_wrapper(self, function)  # type: ignore[arg-type]
        self.function = function
        self.name = name or function.__name__
        self.target = f"{function.__module__}:{function.__qualname__}"
        self.signature = inspect.signature(function)

    @functools.cached_property
    def hints(self) -> dict[str, Any]:
        """The annotations of the parameters and of `return`; empty where they cannot be read."""
        try:
            return get_type_hints(self.function)
        except (NameError, TypeError):
            return {}

    def bind(self, args: Iterable[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        """All arguments by name, defaults filled in.

        Raises:
            Invalid: an argument is missing or unknown.
        """
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise Invalid(f"{self.name}: {error}", hint=f"call it as {self.name}{self.signature}") from None
        bound.apply_defaults()
        return bound.arguments

    def call(self, arguments: dict[str, Any]) -> R:
        """Call the function itself with arguments by name, as `bind` gave them."""
        bound = inspect.BoundArguments(self.signature, arguments)
        return self.function(*bound.args, **bound.kwargs)

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        return locate, (self.target,)

    def __repr__(self) -> str:
        return f"<{type(self).__name__.lower()} {self.target}>"


class Step(Defined[P, R]):
    """A function whose calls an execution remembers. Outside an execution, and within another step, it is the function.

    In the body of a pipeline a call gives an `Output`, which can be passed to other steps as it is.
    """

    def __init__(self, function: Callable[P, R], *, name: str, cache: bool, retries: int, timeout_s: float | None) -> None:
        super().__init__(function, name)
        self.cache = cache
        self.retries = retries
        self.timeout_s = timeout_s

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        present = flow()
        if present is None:
            return self.function(*args, **kwargs)
        return present.call(self, self.bind(args, kwargs))

    def map(self, items: Iterable[Any], *, executor: str = "inline", at_most: int = 0, **fixed: Any) -> list[Any]:
        """Call the step once for each item, given as its first parameter; `fixed` goes to every call.

        `executor` is a member of `ostinato.pipelines.executors`: `inline`, or `processes` for one process per core, of
        which at most `at_most` calls run at a time (0: as many as there are cores).
        """
        if at_most < 0:
            raise Invalid(f"at_most is {at_most}", hint="the number of calls at a time; 0 for as many as there are cores", field="at_most")
        present = flow()
        calls = [self.bind((item,), fixed) for item in items]
        if present is None:
            return [self.call(arguments) for arguments in calls]
        return present.map(self, calls, executor, at_most)


class Pipeline(Defined[P, R]):
    """A function whose body calls steps; it is executed by `app.pipelines.run` or `start`. Called, it is the function."""

    def __init__(self, function: Callable[P, R], name: str, *, queue: str = "default", priority: int = 0, tags: Iterable[str] = ()) -> None:
        super().__init__(function, name)
        self.queue = queue
        self.priority = priority
        self.tags = tuple(tags)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)


@overload
def step(function: Callable[P, R], /) -> Step[P, R]: ...
@overload
def step(
    *, name: str = "", cache: bool = True, retries: int = 0, timeout_s: float | None = None
) -> Callable[[Callable[P, R]], Step[P, R]]: ...
def step(
    function: Callable[P, R] | None = None, /, *, name: str = "", cache: bool = True, retries: int = 0, timeout_s: float | None = None
) -> Step[P, R] | Callable[[Callable[P, R]], Step[P, R]]:
    """Make a function a step.

    `cache=False` is for steps with effects outside: they run in every execution, once for each call that has ended,
    and everything before them is durable before they start. A failed call is tried `retries` times more, after
    0.1 s, 0.2 s, 0.4 s and so on up to 30 s. `timeout_s` bounds one try: such a step runs in a process of its own,
    which is killed at the end of that time, because a thread cannot be stopped.

    >>> @step
    ... def double(x: int) -> int:
    ...     return 2 * x
    >>> double(4)
    8

    Raises:
        Invalid: `retries` is negative or `timeout_s` not positive.
    """
    if retries < 0 or (timeout_s is not None and timeout_s <= 0):
        raise Invalid("retries must be at least 0 and timeout_s above 0")
    make = functools.partial(Step[P, R], name=name, cache=cache, retries=retries, timeout_s=timeout_s)
    return make if function is None else make(function)


@overload
def pipeline(function: Callable[P, R], /) -> Pipeline[P, R]: ...
@overload
def pipeline(
    *, name: str = "", queue: str = "default", priority: int = 0, tags: Iterable[str] = ()
) -> Callable[[Callable[P, R]], Pipeline[P, R]]: ...
def pipeline(
    function: Callable[P, R] | None = None, /, *, name: str = "", queue: str = "default", priority: int = 0, tags: Iterable[str] = ()
) -> Pipeline[P, R] | Callable[[Callable[P, R]], Pipeline[P, R]]:
    """Make a function a pipeline, named after itself unless `name` is given.

    Its executions wait in `queue` for a worker that serves it, those of higher `priority` first, and count for the limits
    of their `tags`; who starts one may say otherwise.

    >>> @pipeline
    ... def daily(day: int) -> int:
    ...     return day + 1
    >>> daily(1), daily.name
    (2, 'daily')
    """
    make = functools.partial(Pipeline[P, R], name=name, queue=queue, priority=priority, tags=tags)
    return make if function is None else make(function)


def locate(target: str) -> Any:
    """The object at `module:qualified.name`.

    Raises:
        NotFound: there is no such module or name in it.
    """
    module, _, path = target.partition(":")
    try:
        return functools.reduce(getattr, path.split("."), importlib.import_module(module))
    except Exception as error:  # whatever the module does while it is imported
        raise NotFound(
            f"nothing at {target!r}: {type(error).__name__}: {error}",
            hint="a target is written module:function, and the module must be importable",
        ) from error
