"""Which of the given runs are the study of Sec. 3.6: trained unmasked and trained masked, each tested on the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msde_crossdataset.cells import MASKED, UNMASKED
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import RunView

TRAINED = {"nm": UNMASKED, "m": MASKED}
HOW = (
    "\nIt needs runs trained with --train-on nm and --train-on m and their evaluations on other data: "
    "see examples/studies/synthetic-cross-dataset.toml."
)


@dataclass(frozen=True)
class Roles:
    """The runs by what they are.

    Attributes:
        source: name of the dataset that was trained on.
        target: name of the dataset that was tested on.
        sources: the run trained unmasked, the run trained masked, or one of the two.
        targets: their evaluations on the target (with its own masks, with masks drawn on).
        left: names of runs that have no part in it, and why.
    """

    source: str
    target: str
    sources: Mapping[str, RunView]
    targets: Mapping[str, Sequence[RunView]]
    left: Mapping[str, str]


def roles(runs: Sequence[RunView], wanted: Mapping[str, str], target: str) -> Roles:
    """Sort the runs.

    Args:
        runs: runs and evaluations.
        wanted: names of runs where several were trained alike, by "unmasked" and "masked"; empty: the only one.
        target: name of the target's dataset; empty: the only one.

    Raises:
        InputError: no evaluation on other data; several datasets or several runs trained alike, and none is chosen;
            classes that differ.
    """
    left: dict[str, str] = {}
    trainings = {run.name: run for run in runs if not run.summary.get("evaluates")}
    abroad = [run for run in runs if _is_abroad(run)]
    for run in runs:
        if run.summary.get("evaluates") and not _is_abroad(run):
            left[run.name] = "tests the source's own data, or is no model's"
    datasets = list(dict.fromkeys(str(run.summary["dataset"]) for run in abroad))
    target = _the_one(target, datasets, "target", "datasets are tested on")
    sources: dict[str, RunView] = {}
    targets: dict[str, list[RunView]] = {}
    for word, trained in TRAINED.items():
        alike = [run for name, run in trainings.items() if run.summary.get("train_on") == word]
        alike = [run for run in alike if _of(run, abroad, target)]
        if alike:
            name = _the_one(wanted[trained], [run.name for run in alike], trained, f"runs are trained {trained}")
            sources[trained] = trainings[name]
            targets[trained] = _of(trainings[name], abroad, target)
    if not sources:
        message = f"cross-dataset: no run trained on unmasked or on masked faces alone is tested on {target}.{HOW}"
        raise InputError(message)
    used = {run.name for run in sources.values()} | {run.name for some in targets.values() for run in some}
    for run in runs:
        if run.name not in used:
            why = (
                f"trained on {run.summary.get('train_on')}" if run.name in trainings else "of another method or target"
            )
            left.setdefault(run.name, why)
    everything = [*sources.values(), *(run for some in targets.values() for run in some)]
    if len({run.classes for run in everything}) > 1:
        message = "cross-dataset: these runs do not have the same classes; evaluate them with msde evaluate."
        raise InputError(message)
    return Roles(str(next(iter(sources.values())).summary["dataset"]), target, sources, targets, left)


def _is_abroad(run: RunView) -> bool:
    before = run.summary.get("evaluates") or {}
    return "dataset" in before and before["dataset"] != run.summary["dataset"]


def _of(run: RunView, abroad: Sequence[RunView], target: str) -> list[RunView]:
    """The run's evaluations on the target."""
    return [
        test for test in abroad if test.summary["evaluates"]["run"] == run.name and test.summary["dataset"] == target
    ]


def _the_one(chosen: str, there: Sequence[str], option: str, what: str) -> str:
    if chosen:
        if chosen not in there:
            message = f"analysis.{option} = {chosen}: there is {', '.join(there) or 'none'}."
            raise InputError(message)
        return chosen
    if not there:
        message = f"cross-dataset: nothing given is an evaluation of a run on another dataset.{HOW}"
        raise InputError(message)
    if len(there) > 1:
        message = f"cross-dataset: {len(there)} {what} ({', '.join(there)}): choose one: --set analysis.{option}=NAME."
        raise InputError(message)
    return there[0]
