"""Whether runs were tested on the same samples with the same labels: without that nothing is compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from msde_toolkit.errors import InputError
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.results.run_store import RunStore, read_json

_COLUMNS = ("label", "subject", "condition", "pair")


def check_same_samples(runs: Mapping[str, OpenRun]) -> None:
    """Refuse what cannot be compared.

    Args:
        runs: by name.

    Raises:
        InputError: naming the first difference of a run from the first one: classes, dataset, samples, labels,
            subjects, conditions, pairs, or what was drawn on the images.
    """
    (first, base), *others = runs.items()
    for name, run in others:
        found = _difference(base, run)
        if found is not None:
            message = (
                f"{first} and {name} were not tested on the same: {found}\nOnly runs on the same samples and labels "
                f"are compared; train or evaluate both on the same data."
            )
            raise InputError(message)


def _difference(one: OpenRun, two: OpenRun) -> str | None:
    for what, ours, theirs in (
        ("classes", ", ".join(one.classes), ", ".join(two.classes)),
        ("dataset", one.manifest.name, two.manifest.name),
        ("mask drawn on", one.summary.get("mask"), two.summary.get("mask")),
    ):
        if ours != theirs:
            return f"{what}: {ours or 'none'} there, {theirs or 'none'} here."
    return _samples(_tested(one), _tested(two)) or _options(one, two)


def _tested(run: OpenRun) -> pd.DataFrame:
    """The tested samples by id, unknown entries as empty words."""
    ids = sorted(set(run.predictions["id"]))
    frame = run.manifest.frame.set_index("id").loc[ids, list(_COLUMNS)]
    return frame.astype(object).where(frame.notna(), "")


def _samples(one: pd.DataFrame, two: pd.DataFrame) -> str | None:
    for here, there, which in ((one, two, "first"), (two, one, "second")):
        lacking = here.index.difference(there.index)
        if len(lacking):
            more = f" and {len(lacking) - 1:,} more" if len(lacking) > 1 else ""
            return f"sample {lacking[0]}{more}, tested only by the {which}."
    for column in _COLUMNS:
        other = np.flatnonzero(one[column].to_numpy() != two[column].to_numpy())
        if len(other):
            row = int(other[0])
            ours, theirs = one[column].iloc[row], two[column].iloc[row]
            return f"{column} of sample {one.index[row]}: {ours!s} there, {theirs!s} here ({len(other):,} differ)."
    return None


def _options(one: OpenRun, two: OpenRun) -> str | None:
    """Equal ids may be other images: options of the data or of the mask, where the pixels are not known to be equal."""
    ours, theirs = provenance(one), provenance(two)
    pixels = [_at(document, "data", "pixels_sha256") for document in (ours, theirs)]
    if pixels[0] is not None and pixels[0] == pixels[1]:
        return None
    if _at(ours, "data", "manifest_sha256") == _at(theirs, "data", "manifest_sha256") and len(set(pixels)) == 1:
        return None
    for role in ("data", "mask"):
        sides = [_at(document, "options", role) or {} for document in (ours, theirs)]
        for key in first_differences(*sides):
            return f"{role}.{key}: {sides[0].get(key)} there, {sides[1].get(key)} here: other images."
    return None


def first_differences(one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterable[str]:
    """Keys whose values differ, in order."""
    return [key for key in dict.fromkeys([*one, *two]) if one.get(key) != two.get(key)]


def provenance(run: OpenRun) -> Mapping[str, Any]:
    """The run's ``provenance.json``; empty where it cannot be read."""
    with suppress(InputError):
        document = read_json(RunStore(run.directory).provenance)
        if isinstance(document, Mapping):
            return document
    return {}


def _at(document: Mapping[str, Any], *keys: str) -> Any:
    value: Any = document
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def named(runs: Sequence[OpenRun]) -> dict[str, OpenRun]:
    """Runs by the name that tables call them; runs of one name also say the folder that they are in.

    Raises:
        InputError: the same run twice.
    """
    places = [run.directory.resolve() for run in runs]
    again = next((place for place in places if places.count(place) > 1), None)
    if again is not None:
        message = f"{again.name}: the same run twice."
        raise InputError(message)
    names = [run.name for run in runs]
    told = [
        f"{place.parent.name}/{place.name}" if names.count(name) > 1 else name
        for name, place in zip(names, places, strict=True)
    ]
    unique = [name if told.count(name) == 1 else f"{name} ({row + 1})" for row, name in enumerate(told)]
    return dict(zip(unique, runs, strict=True))
