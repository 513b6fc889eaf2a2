"""A run of one configuration: started in a folder of its own, or gone on with to the same numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msde_toolkit.data.image_cache import Progress
from msde_toolkit.engine.all_folds import AllFolds
from msde_toolkit.engine.config import RunConfig, load_config
from msde_toolkit.engine.prepare import Prepared, prepare
from msde_toolkit.engine.provenance import provenance
from msde_toolkit.engine.run_directory import RUNS, check_out, new_directory
from msde_toolkit.errors import InputError
from msde_toolkit.hooks import Listeners
from msde_toolkit.results.run_store import RunStore, read_json, write_json, write_text
from msde_toolkit.types import load_manifest


@dataclass(frozen=True)
class RunResult:
    """A finished run: its folder and what ``summary.json`` says."""

    directory: Path
    summary: dict[str, Any]


def run(
    config: RunConfig,
    *,
    out: Path | None = None,
    listeners: Iterable[object] = (),
    progress: Progress | None = None,
    command: Sequence[str] | None = None,
) -> RunResult:
    """Train and test every fold and repeat.

    Args:
        config: what to run.
        out: the run's folder, new or empty; by default ``runs/<date>-<model>-<loss>-<data>``.
        listeners: objects with hook methods, besides the installed listeners.
        progress: called with (images decoded, images in all) where images are not in the cache yet.
        command: recorded in ``provenance.json``.

    Raises:
        InputError: something is wrong with the configuration or the data; nothing is left behind.
        MsdeError: training failed; ``resume`` goes on.
        Interrupted: Ctrl-C; ``resume`` goes on.
    """
    check_out(out)
    prepared = prepare(config, progress)
    try:
        store = RunStore(new_directory(config, out))
        write_json(store.folds, prepared.folds.as_dict())
        write_json(store.provenance, provenance(prepared, command))
        store.write_manifest(prepared.manifest)
        write_text(store.config, config.to_toml())
    except OSError as error:
        message = f"{out or RUNS}: cannot be written ({error.strerror}); choose another folder with --out."
        raise InputError(message) from error
    summary = AllFolds(prepared, store, Listeners(listeners)).run(resumed=False)
    return RunResult(store.directory, summary)


def resume(directory: Path, *, listeners: Iterable[object] = (), progress: Progress | None = None) -> RunResult:
    """Go on with a stopped run, to the same final numbers as if it had never stopped.

    Raises:
        InputError: not a run; or its plugins, data, folds, options or starting weights are not what they were.
    """
    store = RunStore(directory)
    if not store.config.is_file():
        message = f"--resume {directory}: not a run (no config.toml in it)."
        raise InputError(message)
    recorded, folds = read_json(store.provenance), read_json(store.folds)
    if isinstance(recorded, dict) and recorded.get("evaluates"):
        message = f"--resume {directory}: this is an evaluation; nothing is trained in it. Evaluate again instead."
        raise InputError(message)
    try:
        config = RunConfig.create(**load_config(store.config))
    except InputError as error:
        message = f"--resume {directory}: its config.toml is damaged or of another version.\n{error}"
        raise InputError(message) from error
    try:
        # What "auto" found then is what counts now: a run must not change precision half-way.
        config = config.model_copy(update={"precision": str(recorded["precision"]["used"])})
        started = {**recorded, "folds": folds["folds"]}
    except (KeyError, TypeError) as error:
        message = f"{store.provenance} or {store.folds.name} is damaged; start a new run."
        raise InputError(message) from error
    if isinstance(config.folds, Path):
        config = config.model_copy(update={"folds": store.folds})
    prepared = prepare(config, progress)
    _check_same(prepared, started, directory)
    store.remove_partial_files()
    _mend_manifest(store, prepared)
    summary = AllFolds(prepared, store, Listeners(listeners), _trained_before(store, prepared)).run(resumed=True)
    return RunResult(directory, summary)


def _check_same(prepared: Prepared, started: Mapping[str, Any], directory: Path) -> None:
    """A run goes on only with what it started with: anything else would end in numbers that nobody can repeat."""
    now = {**json.loads(json.dumps(provenance(prepared))), "folds": prepared.folds.as_dict()["folds"]}
    told = {
        "plugins": "the plugins, or their versions, are not those",
        "data": f"{prepared.config.data} is not the data",
        "folds": "the folds are not those",
        "options": "the options of this version are not those",
        "weights_sha256": f"the weights {prepared.config.weights} are not those",
        "select": "the rule that keeps an epoch is not that",
    }
    for key, what in told.items():
        if now[key] != started.get(key):
            message = f"--resume {directory}: {what} this run started with; start a new run."
            raise InputError(message)


def _mend_manifest(store: RunStore, prepared: Prepared) -> None:
    """Write the samples again where their file was damaged."""
    try:
        same = load_manifest(store.manifest).content_hash() == prepared.manifest.content_hash()
    except InputError:
        same = False
    if not same:
        store.write_manifest(prepared.manifest)


def _trained_before(store: RunStore, prepared: Prepared) -> float:
    """Seconds of the epochs that are in the run's histories."""
    names = [fold.name for fold in prepared.folds.folds]
    files = [store.fold(name, repeat) for repeat in range(prepared.config.repeats) for name in names]
    return sum(float(line.get("seconds", 0.0)) for file in files for line in file.read_history())
