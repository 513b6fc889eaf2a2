"""What each term of a loss did, from the histories: its share of the loss and of the gradient on the backbone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from msde_toolkit.results.run_store import RunStore

IDLE = 0.01
"""A term below this share of the gradient on the backbone is said to do next to nothing."""


def shares(values: Mapping[str, float]) -> dict[str, float]:
    """Absolute values as shares of their sum; all zero where that is zero."""
    whole = sum(abs(value) for value in values.values())
    return {name: abs(value) / whole if whole else 0.0 for name, value in values.items()}


def effect(store: RunStore, folds: Sequence[str], repeats: int) -> dict[str, Any]:
    """``terms`` and ``images_per_step`` for the summary.

    Returns:
        ``terms``: by name, ``loss_share`` and ``gradient_share`` (null where gradients were not measured), each
        ``{"mean": over epochs and folds, "first": in the first epoch, "last": in the last}``; ``images_per_step``:
        ``batch`` in a step's batch and ``shown`` to the model of them, on average. Both null for a run of an older
        version.
    """
    histories = [store.fold(name, repeat).read_history() for repeat in range(repeats) for name in folds]
    histories = [lines for lines in histories if lines and all("loss_share" in line for line in lines)]
    if not histories:
        return {"terms": None, "images_per_step": None}
    losses, gradients = (
        [[line[key] for line in lines] for lines in histories] for key in ("loss_share", "gradient_share")
    )
    names = list(dict.fromkeys(name for lines in losses for line in lines for name in line))
    terms = {name: {"loss_share": _course(losses, name), "gradient_share": _course(gradients, name)} for name in names}
    lines = [line for lines in histories for line in lines]
    steps = sum(line["steps"] for line in lines)
    images = {key: round(sum(line[name] for line in lines) / steps, 1) for key, name in _IMAGES}
    return {"terms": terms, "images_per_step": images}


_IMAGES = (("batch", "images"), ("shown", "shown"))


def _course(epochs_of_folds: Sequence[Sequence[Mapping[str, float]]], name: str) -> dict[str, float] | None:
    found = [[line[name] for line in lines if name in line] for lines in epochs_of_folds]
    found = [values for values in found if values]
    if not found:
        return None
    return {
        "mean": _mean(value for values in found for value in values),
        "first": _mean(values[0] for values in found),
        "last": _mean(values[-1] for values in found),
    }


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def effect_notes(found: Mapping[str, Any]) -> list[str]:
    """What a reader must be told: terms that do next to nothing, images that a step's model is not shown."""
    notes = [
        f"the term {name} has {100 * course['mean']:.2g} % of the gradient on the backbone: it does next to nothing"
        for name, term in (found["terms"] or {}).items()
        if (course := term["gradient_share"]) is not None and course["mean"] < IDLE
    ]
    images = found["images_per_step"]
    if images is not None and images["shown"] < images["batch"]:
        notes.append(f"a step of {images['batch']:g} images shows the model {images['shown']:g} of them")
    return notes
