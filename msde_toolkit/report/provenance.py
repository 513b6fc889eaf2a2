"""Where a run comes from, and how to repeat it: versions, plugins, device, hashes, seeds, folds, teacher, command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msde_toolkit.errors import InputError
from msde_toolkit.report.folders import name_alone, without_folders
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.results.run_store import RunStore, read_json


@dataclass(frozen=True)
class Provenance:
    """What is told of a run's origin: titled groups of entries, and the command (empty where it is unknown)."""

    groups: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    command: str
    problem: str = ""


def provenance(run: OpenRun) -> Provenance:
    """From ``provenance.json``, ``folds.json`` and the summary."""
    try:
        document = read_json(RunStore(run.directory).provenance)
    except InputError as error:
        return Provenance((), "", without_folders(str(error)))
    document = document if isinstance(document, Mapping) else {}
    data, precision = _part(document, "data"), _part(document, "precision")
    git = _part(document, "git")
    made = [
        ("Started", _text(document.get("started"))),
        ("Device", _text(document.get("device"))),
        ("Precision", ", ".join(filter(None, (_text(precision.get("used")), _text(precision.get("reason")))))),
        ("Toolkit's commit", _text(git.get("commit")) + (", changed since" if git.get("changed") else "")),
        ("Seconds", _text(run.summary.get("seconds"))),
    ]
    known = [
        ("Manifest, sha256", _text(data.get("manifest_sha256"))),
        ("Pixels, sha256", _text(data.get("pixels_sha256"))),
        ("Samples", _text(data.get("samples"))),
        ("Weights, sha256", _text(document.get("weights_sha256"))),
        ("Teacher", _teacher(run.summary.get("teacher"))),
        ("Folds", _folds(run)),
        ("Seed", _text(run.seed)),
        ("Repeats", _text(run.repeats)),
    ]
    options = [
        (f"{role}.{key}", _text(value))
        for role, values in _part(document, "options").items()
        if isinstance(values, Mapping)
        for key, value in values.items()
    ]
    groups = (
        ("Made", _kept(made)),
        ("Data, folds and seeds", _kept(known)),
        ("Plugins", tuple(_plugins(_part(document, "plugins")))),
        ("Versions", tuple((str(name), _text(version)) for name, version in _part(document, "versions").items())),
        ("Options", _kept(options)),
    )
    return Provenance(tuple(group for group in groups if group[1]), _command(document.get("command")))


def _part(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, Mapping) else {}


def _kept(pairs: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, text) for name, text in pairs if text)


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value))
    return "" if value is None else name_alone(str(value))[:400]


def _plugins(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for role, told in found.items():
        if isinstance(told, Mapping):
            source = f"{_text(told.get('distribution'))} {_text(told.get('version'))}".strip()
            yield str(role), f"{_text(told.get('name'))} ({source})"


def _teacher(told: Any) -> str:
    if isinstance(told, Mapping):
        return ", ".join(f"{key} {_text(value)}" for key, value in told.items() if value is not None)
    return _text(told)


def _folds(run: OpenRun) -> str:
    sizes = run.predictions.drop_duplicates(["fold", "id"]).groupby("fold").size()
    told = ", ".join(f"{fold}: {count}" for fold, count in list(sizes.items())[:20])
    return f"{len(sizes)}, images held out in each {told}"


def _command(words: Any) -> str:
    """The command, paths by their last word."""
    if not isinstance(words, list):
        return ""
    return shlex.join(name_alone(str(word)) for word in words)
