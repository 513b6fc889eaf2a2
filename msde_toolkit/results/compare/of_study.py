"""The comparison that a study was made for, or its methods compared on other data."""

from __future__ import annotations

from pathlib import Path

from msde_toolkit.errors import InputError
from msde_toolkit.options import nearest
from msde_toolkit.results.compare.compare import compare
from msde_toolkit.results.compare.comparison import Comparison
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.results.study import OpenStudy


def compare_study(
    study: OpenStudy, target: str | None = None, baseline: str | None = None, margin: float | None = None
) -> Comparison:
    """As ``compare``, of a study's finished runs, with the family that it declared.

    Args:
        study: opened; what is not finished is told in the notes.
        target: compare the methods' evaluations on this target instead; that is exploratory, the family is of the
            study's own data.
        baseline: a method; the declared one, else the first.
        margin: as of ``compare``.

    Raises:
        InputError: as ``compare``; fewer than two methods are finished; a target that the study does not have.
    """
    if target is None:
        return compare(_enough(list(study.runs.values()), study.directory), baseline, study.primary, margin)
    if target not in study.targets:
        message = f"--target {target}: not one of the study's. {nearest(target, study.targets)}"
        raise InputError(message)
    found = {method: study.evaluations[method, where] for method, where in study.evaluations if where == target}
    runs = _enough(list(found.values()), study.directory)
    declared = None if study.primary is None else study.primary.baseline
    name = baseline or (declared if declared in found else None)
    return compare(runs, found[name].name if name in found else name, None, margin)


def _enough(runs: list[OpenRun], folder: Path) -> list[OpenRun]:
    if len(runs) < 2:
        done = f"only {runs[0].name}" if runs else "nothing"
        message = f"{folder}: {done} is finished, and a comparison needs two; go on with: msde run --study {folder}"
        raise InputError(message)
    return runs
