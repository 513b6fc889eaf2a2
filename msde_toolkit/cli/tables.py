"""Results as rich tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.markup import escape

from msde_toolkit.cli.console import out, plain_table

TITLES = {"nm": "Unmasked (NM)", "m": "Masked (M)", "average": "Average", "gap": "Gap (NM - M)"}


def percent(value: float | None) -> str:
    """A fraction as percent; a dash where there is none."""
    return "-" if value is None else f"{100 * value:.1f}"


def interval(ends: list[float] | None) -> str:
    """A 95 % interval in percent."""
    return "-" if ends is None else f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f}"


def print_summary(directory: Path, summary: Mapping[str, Any]) -> None:
    """The final table of a run: accuracy with its interval, majority baseline, n, protocol and notes."""
    synthetic = ", synthetic faces" if summary["synthetic"] else ""
    table = plain_table(
        f"{summary['model']} + {summary['loss']} on {summary['dataset']}{synthetic}: held-out accuracy, percent",
        "Condition", ">Accuracy", ">95 % interval", ">Mean of folds", ">Macro F1", ">Majority", ">n",
    )  # fmt: skip
    for word, metrics in summary["metrics"].items():
        if metrics is not None:
            table.add_row(*_row(word, metrics))
    console = out()
    console.print(table)
    for line in protocol(summary):
        console.print(f"  {escape(line)}", style="dim")
    console.print(f"  Files: {escape(str(directory))}", soft_wrap=True)


def _row(word: str, metrics: Mapping[str, Any]) -> list[str]:
    accuracy, f1 = metrics["accuracy"], metrics.get("macro_f1")
    return [
        TITLES.get(word, word),
        percent(accuracy["pooled"]),
        interval(accuracy["ci95"]),
        percent(accuracy["mean_of_folds"]),
        percent(f1["pooled"]) if f1 else "",
        percent(metrics["majority_baseline"]) if "majority_baseline" in metrics else "",
        str(metrics.get("n", "")),
    ]


def protocol(summary: Mapping[str, Any]) -> list[str]:
    """How the numbers came about, in lines: folds, epoch choice, what intervals resample, the run's notes."""
    folds = len(summary["folds"])
    who = "no subject on both sides" if summary["identity"] == "independent" else "subjects unknown"
    times = "" if summary["repeats"] == 1 else f" x {summary['repeats']} repeats"
    epoch = "last epoch" if summary["select"] == "last" else "epoch chosen on inner subjects"
    divided = f"{folds} folds{times}" if folds > 1 else f"the dataset's own split{times}"
    unit = f"{summary['interval_units']} {summary['interval_unit']}s"
    return [
        f"{divided}, {who}, {epoch}, trained on {summary['train_on']}, pretraining {summary['pretraining']}",
        f"Intervals resample {unit} and are about {summary['interval_about']}.",
        *summary["notes"],
    ]
