"""What is not equal between runs that are compared: a difference of methods may be a difference of these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from msde_toolkit.errors import InputError
from msde_toolkit.results.compare.same_samples import first_differences, provenance
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.results.run_store import RunStore

BUDGET = ("epochs", "image_budget", "batch_size", "image_size")
AUGMENTATION = ("flip", "rotation", "shift", "zoom", "brightness", "contrast", "saturation")
TUNED = (
    "optimizer", "lr_backbone", "lr_head", "weight_decay", "momentum", "schedule", "milestones", "gamma",
    "label_smoothing", "class_weights", "soft_targets", "clip_norm",
)  # fmt: skip


def cautions(runs: Mapping[str, OpenRun]) -> list[str]:
    """A line for each run and kind of difference from the first one, and for whatever makes a run no evidence."""
    (first, base), *others = runs.items()
    lines = [line for name, run in runs.items() for line in _doubtful(name, run)]
    for name, run in others:
        pairs = {
            "folds": _folds(base, run),
            "budget": [*_options(base, run, BUDGET), *_shown(base, run)],
            "pretraining": _entries(base, run, ("pretraining", "weights_sha256")),
            "augmentation": _options(base, run, AUGMENTATION),
            "hyper-parameters": _options(base, run, TUNED),
            "protocol": _entries(base, run, ("select", "profile", "preset", "train_on", "repeats")),
            "faces": _faces(base, run),
        }
        lines += [f"{name} and {first} differ in {what}: {'; '.join(told)}" for what, told in pairs.items() if told]
    return lines


def _doubtful(name: str, run: OpenRun) -> list[str]:
    unsound = [f"UNSOUND: {name}: {why}" for why in run.summary.get("unsound") or ()]
    return [*unsound, *(f"TAINTED: {name}: {who}" for who in run.tainted)]


def _entries(one: OpenRun, two: OpenRun, keys: tuple[str, ...]) -> list[str]:
    sides = [{key: run.summary.get(key) for key in keys} for run in (one, two)]
    return [_told(key, sides[1], sides[0]) for key in first_differences(*sides)]


def _options(one: OpenRun, two: OpenRun, keys: tuple[str, ...]) -> list[str]:
    sides = [(provenance(run).get("options") or {}).get("train") or {} for run in (one, two)]
    return [_told(key, sides[1], sides[0]) for key in first_differences(*sides) if key in keys]


def _told(key: str, here: Mapping[str, Any], there: Mapping[str, Any]) -> str:
    return f"{key.replace('_sha256', '')} {_word(here.get(key))} against {_word(there.get(key))}"


def _word(value: Any) -> str:
    return value[:8] if isinstance(value, str) and len(value) == 64 else str(value)


def _folds(one: OpenRun, two: OpenRun) -> list[str]:
    """Whether the same people were held out together; evaluations have no folds of their own."""
    tests = []
    for run in (one, two):
        rows = run.predictions[["id", "fold"]].drop_duplicates()
        tests.append({frozenset(part) for _, part in rows.groupby("fold")["id"]})
    if tests[0] == tests[1]:
        return []
    return [f"{len(tests[1])} against {len(tests[0])}" if len(tests[0]) != len(tests[1]) else "other subjects in them"]


def _shown(one: OpenRun, two: OpenRun) -> list[str]:
    """Steps, and images shown to the model, of a fold on average; told from 2 % on."""
    sides = [_spent(run) for run in (one, two)]
    return [
        f"{what} a fold {here:,.0f} against {there:,.0f}"
        for what, there, here in zip(("steps", "images shown"), *sides, strict=True)
        if there and here and abs(here - there) > 0.02 * there
    ]


def _spent(run: OpenRun) -> tuple[float | None, float | None]:
    store = RunStore(run.directory)
    try:
        histories = [store.fold(str(name)).read_history() for name in run.summary["folds"]]
        sums = [[sum(line[key] for line in lines) for key in ("steps", "shown")] for lines in histories if lines]
    except (InputError, LookupError, TypeError):
        return None, None
    if not sums:
        return None, None
    steps, shown = np.mean(sums, axis=0).tolist()
    return steps, shown


def _faces(one: OpenRun, two: OpenRun) -> list[str]:
    """How faces were cut, and the decoded images themselves where both networks take the same size."""
    preps = [", ".join(sorted(set(run.manifest.frame["prep"].dropna()))) or "unknown" for run in (one, two)]
    if preps[0] != preps[1]:
        return [f"preparation {preps[1]} against {preps[0]}"]
    pixels = [(provenance(run).get("data") or {}).get("pixels_sha256") for run in (one, two)]
    same_size = not _options(one, two, ("image_size",))
    if same_size and None not in pixels and pixels[0] != pixels[1]:
        return ["decoded images differ (files, or the version of Pillow)"]
    return []
