"""Learning curves of a run, from its histories: loss terms, accuracies, learning rates, shares of each term."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msde_toolkit.errors import InputError
from msde_toolkit.report.charts import Chart, curves
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.results.run_store import RunStore

_CHARTS = (
    ("loss", "Loss by term", "loss"),
    ("train_accuracy", "Accuracy on training images", "percent"),
    ("lr", "Learning rate", "per step"),
    ("loss_share", "Share of each term in the loss", "percent"),
    ("gradient_share", "Share of each term in the gradient on the backbone", "percent"),
)
_PERCENT = {"train_accuracy", "loss_share", "gradient_share"}


def learning_curves(run: OpenRun) -> tuple[list[Chart], str]:
    """The charts there are, and why there are none (empty where there are)."""
    store = RunStore(run.directory)
    try:
        histories = [
            lines
            for repeat in range(run.repeats)
            for name in run.summary["folds"]
            if (lines := store.fold(name, repeat).read_history())
        ]
    except InputError as error:
        return [], str(error)
    if not histories:
        return [], "The run holds no history of its training."
    charts = [curves(title, unit, _series(histories, key)) for key, title, unit in _CHARTS]
    return [chart for chart in charts if chart is not None], ""


def _series(histories: list[list[dict[str, Any]]], key: str) -> dict[str, list[list[float]]]:
    """Name of the term (group, condition) to its values, a list a fold."""
    factor = 100.0 if key in _PERCENT else 1.0
    out: dict[str, list[list[float]]] = {}
    for lines in histories:
        of_fold: dict[str, list[float]] = {}
        for line in lines:
            entry = line.get(key)
            for name, value in (entry if isinstance(entry, Mapping) else {}).items():
                if isinstance(value, (int, float)):
                    of_fold.setdefault(str(name), []).append(factor * float(value))
        for name, values in of_fold.items():
            out.setdefault(name, []).append(values)
    return out
