"""How many configurations have been tested on the same data: whoever tries twenty will find one that looks good.

A file a manifest in the cache (``ledger/<content hash>.jsonl``), a line a tested run. It holds hashes, names of runs
and dates, no path. It is this machine's memory only, and decides nothing: what cannot be read or written is a warning.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from msde_toolkit.errors import InputError, MsdeError, MsdeWarning
from msde_toolkit.files import cache_directory
from msde_toolkit.results.run_store import RunStore, read_json

DECIDES = ("model", "loss", "preset", "profile", "train_on", "select", "pretraining", "weights_sha256", "teacher")
"""Entries of ``summary.json`` that are of the configuration."""


def record(store: RunStore) -> None:
    """Note that a run, or an evaluation, has been tested. Once a run: going on with it, or again, adds nothing."""
    try:
        summary, provenance = read_json(store.summary), read_json(store.provenance)
        entry = {"configuration": configuration(summary, provenance), "run": str(summary["run"])}
        file = _file(str(provenance["data"]["manifest_sha256"]))
        with FileLock(file.with_suffix(".lock")):
            if any({key: line.get(key) for key in entry} == entry for line in _lines(file)):
                return
            _append(file, {**entry, "date": datetime.now(UTC).isoformat(timespec="seconds")})
    except (OSError, MsdeError, LookupError, TypeError, ValueError) as error:
        message = f"The ledger of tested configurations could not be written ({error}); the run itself is complete."
        warnings.warn(message, MsdeWarning, stacklevel=2)


def configuration(summary: Mapping[str, Any], provenance: Mapping[str, Any]) -> str:
    """A hash of everything that was decided, but for seed and repeats: plugins, options, what was trained on."""
    plugins = provenance.get("plugins") or {}
    decided = {
        "plugins": {role: [told.get("name"), told.get("distribution")] for role, told in plugins.items()},
        "options": {role: _seedless(options) for role, options in (provenance.get("options") or {}).items()},
        "folds": len(summary.get("folds") or ()),
        **{key: summary.get(key) for key in DECIDES},
    }
    if isinstance(decided["teacher"], Mapping):
        decided["teacher"] = {**decided["teacher"], "id": None}  # names the seed too
    return hashlib.sha256(json.dumps(decided, sort_keys=True, default=str).encode()).hexdigest()


def seen(manifest_sha256: str) -> int:
    """How many configurations have been tested on the data of this content hash, on this machine; 0 if unknown."""
    with suppress(OSError, MsdeError):
        return len({line.get("configuration") for line in _lines(_file(manifest_sha256))})
    return 0


def seen_by(directory: Path) -> int:
    """The same of the data of a run's folder."""
    with suppress(InputError, LookupError, TypeError):
        return seen(str(read_json(RunStore(directory).provenance)["data"]["manifest_sha256"]))
    return 0


def note(directory: Path) -> str | None:
    """What a reader of the run's numbers should be told; None where it is the only configuration."""
    count = seen_by(directory)
    return f"test folds seen by {count} configurations on this machine (repeats counted once)" if count > 1 else None


def _file(manifest_sha256: str) -> Path:
    word = manifest_sha256 if manifest_sha256.isalnum() else hashlib.sha256(manifest_sha256.encode()).hexdigest()
    return cache_directory("ledger") / f"{word[:64]}.jsonl"


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    """The entries that can be read; a damaged line is passed over."""
    if not file.is_file():
        return
    for text in file.read_text(encoding="utf-8", errors="replace").splitlines():
        with suppress(ValueError):
            line = json.loads(text)
            if isinstance(line, dict) and isinstance(line.get("configuration"), str):
                yield line


def _append(file: Path, line: Mapping[str, Any]) -> None:
    """A line at one go. What a kill left unfinished before it is closed first."""
    whole = file.read_bytes().endswith(b"\n") if file.is_file() and file.stat().st_size else True
    text = ("" if whole else "\n") + json.dumps(line) + "\n"
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)


def _seedless(options: Any) -> Any:
    return {key: value for key, value in options.items() if key != "seed"} if isinstance(options, Mapping) else options
