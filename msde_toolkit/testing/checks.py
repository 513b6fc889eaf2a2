"""How a check is written: a function that returns what it measured, or raises why the plugin fails or is not asked.

MODEL = Checklist[ModelUnderTest]()

@MODEL.check("features are [B, F]", remedy="Pool the maps before the head.")
def features(model: ModelUnderTest) -> None:
    require(model.output.features.ndim == 2, f"features are {model.output.features.ndim}-dimensional")
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NoReturn, TypeVar

from msde_toolkit.errors import MsdeError
from msde_toolkit.testing.report import Finding

Subject = TypeVar("Subject")


class Broken(Exception):
    """The plugin fails the check; the message is the reason in one line."""


class NotAsked(Exception):
    """The check does not apply; the message says why in one line."""


def require(condition: object, reason: str) -> None:
    """Fail the check with this reason unless the condition holds.

    Raises:
        Broken: if it does not.
    """
    if not condition:
        raise Broken(reason)


def skip(reason: str) -> NoReturn:
    """Leave the check out.

    Raises:
        NotAsked: always.
    """
    raise NotAsked(reason)


@dataclass(frozen=True)
class _Check(Generic[Subject]):
    name: str
    remedy: str
    test: Callable[[Subject], str | None]

    def ask(self, subject: Subject) -> Finding:
        try:
            return Finding(self.name, "passed", self.test(subject) or "")
        except NotAsked as reason:
            return Finding(self.name, "skipped", _line(reason))
        except Broken as reason:
            return Finding(self.name, "failed", _line(reason), self.remedy)
        except Exception as error:
            return Finding(self.name, "failed", in_one_line(error), self.remedy)


class Checklist(Generic[Subject]):
    """The checks of one kind of plugin, in order."""

    def __init__(self) -> None:
        self._checks: list[_Check[Subject]] = []

    def check(
        self, name: str, *, remedy: str
    ) -> Callable[[Callable[[Subject], str | None]], Callable[[Subject], str | None]]:
        """Add a function to the list under a name in the field's words."""

        def add(test: Callable[[Subject], str | None]) -> Callable[[Subject], str | None]:
            self._checks.append(_Check(name, remedy, test))
            return test

        return add

    def ask(self, subject: Subject) -> Iterator[Finding]:
        """Ask all of them; what goes wrong inside one is its finding and stops no other."""
        for check in self._checks:
            yield check.ask(subject)


def in_one_line(error: BaseException) -> str:
    """An error as a user may read it: the toolkit's own as they stand, others with type and the line that raised."""
    if isinstance(error, MsdeError):
        return _line(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {_line(error)}{where}"


def _line(error: BaseException) -> str:
    lines: list[Any] = str(error).splitlines()
    return str(lines[0]) if lines else type(error).__name__
