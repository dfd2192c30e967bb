"""The two ways a run ends badly, and what the command makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager


class InputError(ValueError):
    """Something the user gave is wrong: one line with the place, what is wrong and what is allowed (exit code 2)."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(where, what)  # both, so that it survives the way from one rank to another
        self.where = where
        self.what = what

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class InputErrors(InputError):
    """Several things that the user gave are wrong, one line each; `where` and `what` are those of the first.

    Attributes:
        errors: All of them.
    """

    def __init__(self, errors: Sequence[InputError]) -> None:
        super().__init__(errors[0].where, errors[0].what)
        self.args = (tuple(errors),)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(map(str, self.errors))


def named[T](field: str, name: str, known: Mapping[str, T]) -> T:
    """What a word of the settings stands for.

    Raises:
        InputError: It is not known.
    """
    if name not in known:
        raise InputError(field, f"{name!r}; allowed are {', '.join(known)}")
    return known[name]


def each_of(error: InputError) -> tuple[InputError, ...]:
    """The errors in it, one by one."""
    return error.errors if isinstance(error, InputErrors) else (error,)


class Faults:
    """Collects what is wrong with an input, to say all of it at once.

    Attributes:
        found: What was noted so far; the same is not noted twice.
    """

    def __init__(self) -> None:
        self.found: list[InputError] = []

    def note(self, *errors: InputError) -> None:
        """Add errors, those of an `InputErrors` one by one."""
        for one in (one for error in errors for one in each_of(error)):
            if all(str(one) != str(known) for known in self.found):
                self.found.append(one)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Go on after an InputError in the block, which ends it."""
        try:
            yield
        except InputError as error:
            self.note(error)

    def report(self) -> None:
        """Raise what was found, if anything was.

        Raises:
            InputError: The one error; or an `InputErrors`, where there are several.
        """
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            raise InputErrors(self.found)


class SolverError(RuntimeError):
    """A linear solver or a training failed: its name, the reason and what to try (exit code 1)."""
