"""The mark of a run that saw somebody who has withdrawn consent: a file in the run's folder, which stays with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from msde_toolkit.errors import InputError
from msde_toolkit.results.run_store import FoldFiles, RunStore, read_json, write_json

TAINTED = "tainted.json"
SCHEMA = 1
NAMED = 4
"""So many models are named in a line; more are counted."""


class Checkpoint(BaseModel):
    """A trained model of a run, by its fold and repeat."""

    model_config = ConfigDict(frozen=True)

    fold: str
    repeat: int = 0

    def files(self, directory: Path) -> FoldFiles:
        """Its files in the run's folder."""
        return RunStore(directory).fold(self.fold, self.repeat)

    def __str__(self) -> str:
        return f"fold {self.fold}" if self.repeat == 0 else f"fold {self.fold} of repeat {self.repeat}"


class Withdrawn(BaseModel):
    """Somebody who withdrew, and what the run has to do with them.

    Attributes:
        dataset: of the subject.
        subject: as the dataset calls them.
        date: when the run was first marked, UTC.
        why: how the run saw them, in words.
        checkpoints: that saw them; the others of the run did not.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    subject: str
    date: str
    why: tuple[str, ...]
    checkpoints: tuple[Checkpoint, ...]

    @classmethod
    def now(cls, dataset: str, subject: str, why: Sequence[str], checkpoints: Sequence[Checkpoint]) -> Withdrawn:
        """With the date of today."""
        date = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(dataset=dataset, subject=subject, date=date, why=tuple(why), checkpoints=tuple(checkpoints))

    def joined(self, later: Withdrawn) -> Withdrawn:
        """This mark with what a later look has found besides."""
        why = tuple(dict.fromkeys((*self.why, *later.why)))
        checkpoints = tuple(dict.fromkeys((*self.checkpoints, *later.checkpoints)))
        return self.model_copy(update={"why": why, "checkpoints": checkpoints})

    def __str__(self) -> str:
        named = ", ".join(map(str, self.checkpoints)) if len(self.checkpoints) <= NAMED else None
        which = f" ({named or f'{len(self.checkpoints)} models'})" if self.checkpoints else ""
        return f"{self.subject} of {self.dataset} withdrew ({self.date[:10]}): {'; '.join(self.why)}{which}"


class _Document(BaseModel):
    withdrawn: tuple[Withdrawn, ...]


def withdrawn_from(directory: Path) -> tuple[Withdrawn, ...]:
    """Everybody who withdrew and whom the run has seen.

    Raises:
        InputError: if the mark is damaged.
    """
    file = directory / TAINTED
    if not file.is_file():
        return ()
    try:
        return _Document.model_validate(read_json(file)).withdrawn
    except ValidationError as error:
        message = f"{file}: damaged; mark the run again with msde data withdraw."
        raise InputError(message) from error


def tainted(directory: Path) -> tuple[str, ...]:
    """The same in a line each, for people; a damaged mark is a mark too."""
    try:
        return tuple(map(str, withdrawn_from(directory)))
    except InputError as error:
        return (str(error),)


def mark(directory: Path, withdrawn: Withdrawn) -> bool:
    """Mark a run as tainted. Doing so again changes nothing, unless more is known by now.

    Returns:
        whether the file was written.

    Raises:
        OSError: if it cannot be.
    """
    try:
        before = withdrawn_from(directory)
    except InputError:
        before = ()
    who = {(known.dataset, known.subject): known for known in before}
    key = (withdrawn.dataset, withdrawn.subject)
    who[key] = who[key].joined(withdrawn) if key in who else withdrawn
    if tuple(who.values()) == before:
        return False
    marked = [known.model_dump(mode="json") for known in who.values()]
    write_json(directory / TAINTED, {"schema": SCHEMA, "withdrawn": marked})
    return True
