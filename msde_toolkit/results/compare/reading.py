"""What must be said beside the numbers of a comparison, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msde_toolkit import statistics
from msde_toolkit.results import ledger
from msde_toolkit.results.compare.answers import Answers
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.results.study_files import Primary

ENOUGH_REPEATS = 5


def reading(
    everyone: Mapping[str, OpenRun], answers: Mapping[str, Answers], primary: Primary | None, margin: float | None
) -> Iterator[str]:
    """Data, protocol, what was declared, what is missing, and what the numbers speak of."""
    base = next(iter(everyone))
    samples = answers[base].samples
    if any(run.synthetic for run in everyone.values()):
        yield "synthetic faces: nothing here is about people"
    if primary is None:
        yield (
            "nothing was declared before these runs: all differences are exploratory, p adjusted by Benjamini and "
            "Hochberg; a study with [primary] declares a family"
        )
    else:
        yield from _declared(primary, everyone, samples.conditions)
    yield from _repeats({name: answer.repeats for name, answer in answers.items()})
    if not samples.has_subjects:
        yield "subjects are unknown: intervals and tests are over images and likely too narrow"
    elif statistics.few_groups(samples.groups):
        yield f"only {samples.groups} subjects: intervals are unreliable"
    if margin is None:
        yield "no margin was declared: whether a method maintains NM is not judged"
    elif primary is None or primary.margin is None:
        yield "the margin was given with the command, not declared before"
    seen = next(filter(None, (ledger.note(run.directory) for run in everyone.values())), None)
    if seen is not None:
        yield seen


def _declared(primary: Primary, everyone: Mapping[str, OpenRun], conditions: tuple[str, ...]) -> Iterator[str]:
    size = len(primary.methods) * len(primary.conditions)
    tests = "1 test" if size == 1 else f"{size} tests"
    yield (
        f"primary family, declared before: {', '.join(primary.methods)} against {primary.baseline} in "
        f"{', '.join(primary.conditions)}: {tests}, Holm; everything else is exploratory, Benjamini and Hochberg"
    )
    missing = [name for name in primary.methods if name not in everyone]
    if missing:
        yield f"not there yet: {', '.join(missing)}; their tests keep their place in the family, as if p were 1"
    absent = [word for word in primary.conditions if word not in conditions]
    if absent:
        yield f"the data has no images of condition {', '.join(absent)}: declared tests that cannot be made"


def _repeats(repeats: Mapping[str, int]) -> Iterator[str]:
    fewest = min(repeats.values())
    if len(set(repeats.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in repeats.items())
        yield f"repeats differ ({told}): each image counts by its mean over them"
    if fewest == 1:
        yield (
            "one training a fold: intervals and tests speak of these trained models, not of training the methods again"
        )
        return
    yield (
        "intervals speak of the methods, trained again and on further subjects; p values (sign flips) of these "
        "trained models: a verdict needs both"
    )
    if fewest < ENOUGH_REPEATS:
        yield f"{fewest} repeats say little of how training varies; intervals are wide for it"
