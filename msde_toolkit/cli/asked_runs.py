"""The runs that a command is to look at: named ones, the latest, or all of a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msde_toolkit.results.open_run import OpenRun
    from msde_toolkit.results.study import OpenStudy


def asked_runs(paths: Sequence[Path], study: Path | None, root: Path | None) -> tuple[OpenStudy | None, list[OpenRun]]:
    """The study if one was asked for, and the runs; without either the latest run.

    Args:
        paths: of finished runs; not looked at where a study is asked for.
        study: a study's folder; all that is finished of it.
        root: where the runs' data is now.

    Raises:
        InputError: nothing finished; a root that no run needs; or as opening them does.
    """
    from msde_toolkit.errors import InputError
    from msde_toolkit.results.open_run import open_run
    from msde_toolkit.results.run_store import latest_finished

    if study is None:
        opened, runs = None, [open_run(path, root) for path in (paths or [latest_finished(Path("runs"))])]
    else:
        opened = _finished(study, root)
        runs = opened.everything
    if root is not None and not any(run.needs_root for run in runs):
        message = f"--root {root}: these runs' datasets need none; leave it out."
        raise InputError(message)
    return opened, runs


def _finished(folder: Path, root: Path | None) -> OpenStudy:
    from msde_toolkit.errors import InputError
    from msde_toolkit.results.study import open_study

    study = open_study(folder, root)
    if not study.runs:
        message = f"{folder}: none of the study's methods is finished; go on with: msde run --study {folder}"
        raise InputError(message)
    return study
