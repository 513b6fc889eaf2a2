"""The folder of a new run: checked before any work, made at the last moment, and never shared."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from pathlib import Path

from msde_toolkit.engine.config import RunConfig
from msde_toolkit.errors import InputError
from msde_toolkit.results.run_store import check_writable

RUNS = Path("runs")


def check_out(out: Path | None) -> None:
    """Before any work: whether a run can be written there (or into ``runs/``).

    Raises:
        InputError: if the folder is in use or cannot be written.
    """
    try:
        used = out is not None and out.exists() and (not out.is_dir() or any(out.iterdir()))
    except OSError as error:
        message = f"--out {out}: cannot be used ({error.strerror})."
        raise InputError(message) from error
    if out is not None and used:
        hint = f" To go on with the run in it: --resume {out}." if (out / "config.toml").exists() else ""
        message = f"--out {out}: is there already and not an empty folder.{hint}"
        raise InputError(message)
    check_writable(RUNS if out is None else out)


def new_directory(config: RunConfig, out: Path | None) -> Path:
    """The run's folder, made here and by nobody else: runs that start at the same moment each get their own.

    Raises:
        InputError: if ``out`` is in use or cannot be written.
        OSError: if the folder cannot be made.
    """
    if out is not None:
        check_out(out)  # again, because images have been decoded since
        out.mkdir(parents=True, exist_ok=True)
        return out
    words = (config.model, config.loss, config.data)
    name = "-".join([datetime.now().astimezone().strftime("%Y%m%d-%H%M"), *(_plain(word) for word in words)])
    RUNS.mkdir(exist_ok=True)
    candidates = (RUNS / (name if number == 1 else f"{name}-{number}") for number in count(1))
    return next(path for path in candidates if _made(path))


def _made(path: Path) -> bool:
    try:
        path.mkdir()
    except FileExistsError:
        return False
    return True


def _plain(word: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in word)
