"""The files of a study: what was declared, the folds that all methods share, and a folder for each run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from msde_toolkit.errors import InputError
from msde_toolkit.results.run_store import RunStore, read_json

Name = Annotated[str, Field(pattern="^[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*$", max_length=64)]
"""Names of studies, methods and targets become folders' names; ``--`` stands between a method and a target."""

DEFINITION = "study.toml"
SCHEMA = 1


class Primary(BaseModel):
    """The declared family: each method against the baseline, in each condition.

    Attributes:
        baseline: name of a method.
        methods: that are compared with it.
        conditions: in which.
        margin: of non-inferiority, a fraction; None where none was declared.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    baseline: Name
    methods: tuple[Name, ...]
    conditions: tuple[str, ...]
    margin: float | None = None


class StudyFacts(BaseModel):
    """``study.json``: what the toolkit noted of a study. Names from a stranger's file must be plain words too.

    Attributes:
        name: of the study.
        declared: when, before the first training (UTC, ISO 8601).
        data: ``dataset``, ``synthetic`` and ``manifest_sha256``.
        methods: names, in order.
        targets: name to what is known of it.
        primary: the declared family; None where everything is exploratory.
        added: "methods" and "targets" that came after the first training, with the date: outside the family.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_: int = Field(SCHEMA, alias="schema")
    name: str
    declared: str
    data: dict[str, Any]
    methods: tuple[Name, ...]
    targets: dict[Name, Any]
    primary: Primary | None
    added: dict[str, dict[str, str]] = {}


@dataclass(frozen=True)
class StudyFolder:
    """A study's folder.

    ::

        study.toml                        the declaration, whole before the first training
        study.json                        when it was declared, of which data, its primary family, what came later
        folds.json                        made once; not for a dataset with a split of its own
        runs/<method>/                    a run like any other
        evaluations/<method>--<target>/   the method's models on other data, a run like any other
    """

    directory: Path

    @property
    def definition(self) -> Path:
        """What is to be done; there once everything has been checked."""
        return self.directory / DEFINITION

    @property
    def facts(self) -> Path:
        """What the toolkit noted when it was declared."""
        return self.directory / "study.json"

    def read_facts(self) -> StudyFacts:
        """What was noted.

        Raises:
            InputError: missing or damaged, naming the entry.
        """
        try:
            return StudyFacts.model_validate(read_json(self.facts))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(step) for step in first["loc"])
            message = f"{self.facts}: {place or 'it'}: {first['msg']}; the file is damaged or of another version."
            raise InputError(message) from error

    @property
    def folds(self) -> Path:
        """Who is held out when, for every method."""
        return self.directory / "folds.json"

    def run(self, method: str) -> Path:
        """A method's run."""
        return self.directory / "runs" / method

    def evaluation(self, method: str, target: str) -> Path:
        """A method's models on a target."""
        return self.directory / "evaluations" / f"{method}--{target}"

    @property
    def begun(self) -> bool:
        """Whether a method has been started: from then on the declaration stands."""
        return any((folder / "config.toml").exists() for folder in self.directory.glob("runs/*"))


def finished(directory: Path) -> bool:
    """Whether the run or evaluation in this folder is complete."""
    return RunStore(directory).summary.is_file()
