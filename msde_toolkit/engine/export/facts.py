"""What an exported file says of itself: enough to use it rightly, nothing of the machine or who used it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from msde_toolkit.data.faces.prepared import recipes_in
from msde_toolkit.interfaces import Model
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.results.run_store import RunStore, read_json

_ROOTED = re.compile(r"^(~|/|[A-Za-z]:[\\/]|\\\\|file:)")


def facts_of(run: OpenRun, model: Model, fold: str, repeat: int) -> dict[str, str]:
    """Words by key, for a file's metadata; what is more than a word is JSON."""
    recorded = read_json(RunStore(run.directory).provenance)
    spec, summary = model.input_spec, run.summary
    facts: dict[str, Any] = {
        "format": "msde-toolkit export 1",
        "layout": "ours",
        "model": summary["model"],
        "model_options": run.model_options,
        "model_plugin": recorded["plugins"]["model"],
        "loss": summary["loss"],
        "classes": run.classes,
        "input": "RGB in [0, 1], [batch, 3, image_size, image_size]; subtract mean, divide by std",
        "image_size": run.image_size,
        "normalisation": {"mean": spec.mean, "std": spec.std},
        "face_recipe": recipes_in(run.manifest),
        "dataset": summary["dataset"],
        "synthetic": run.synthetic,
        "licence": run.manifest.licence,
        "run": run.name,
        "fold": fold,
        "repeat": repeat,
        "identity": run.identity,
        "pretraining": run.pretraining,
        "unsound": summary.get("unsound") or [],
        "tainted": run.tainted,
        "versions": recorded["versions"],
        "data_sha256": recorded["data"]["manifest_sha256"],
        "metrics": _metrics(summary),
        "notes": summary["notes"],
    }
    if run.synthetic:
        facts["warning"] = "trained on drawings: no result about a person"
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in _without_paths(facts).items()}


def _metrics(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Held-out accuracy of the run's models together, by condition, with its interval."""
    told = ("nm", "m")
    known = {name: summary["metrics"][name] for name in told if summary["metrics"].get(name)}
    return {
        "of": f"all {len(summary['folds'])} folds x {summary['repeats']} repeats, held out",
        "interval": f"95 %, over {summary.get('interval_units')} {summary.get('interval_unit')}s",
        **{
            name: {"accuracy": one["accuracy"]["pooled"], "ci95": one["accuracy"]["ci95"], "n": one["n"]}
            for name, one in known.items()
            if one.get("accuracy")
        },
    }


def _without_paths(value: Any) -> Any:
    """Every word that is a path from a root, as the name at its end."""
    if isinstance(value, Mapping):
        return {str(key): _without_paths(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_paths(item) for item in value]
    if isinstance(value, str) and _ROOTED.match(value):
        return PureWindowsPath(PurePosixPath(value).name).name
    return value
