"""Results as rich tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msde_toolkit.cli.console import out, plain_table, print_notes
from msde_toolkit.results import ledger
from msde_toolkit.results.data_words import data_words
from msde_toolkit.results.taint import tainted

TITLES = {"nm": "NM (no mask)", "m": "M (mask)", "average": "average", "gap": "gap NM-M"}


def percent(value: float | None) -> str:
    """A fraction as percent; a dash where there is none."""
    return "-" if value is None else f"{100 * value:.1f}"


def interval(ends: list[float] | None) -> str:
    """A 95 % interval in percent."""
    return "-" if ends is None else f"{100 * ends[0]:.1f}, {100 * ends[1]:.1f}"


def print_summary(directory: Path, summary: Mapping[str, Any]) -> None:
    """The final table of a run: accuracy with its interval, majority baseline, n, protocol and notes."""
    table = plain_table(
        f"Held-out accuracy, percent: {summary['model']} + {summary['loss']} on {data_title(summary)}",
        "Condition", ">Acc.", ">95 % interval", ">Folds", ">F1", ">Majority", ">n",
        caption="Acc.: all images pooled. Folds: mean over folds. F1: macro. Majority: the most frequent class.",
    )  # fmt: skip
    for word, metrics in summary["metrics"].items():
        if metrics is not None:
            table.add_row(*_row(word, metrics))
    console = out()
    console.print(table)
    print_notes(
        [
            *(f"TAINTED: {who}" for who in tainted(directory)),
            *protocol(summary),
            *filter(None, [ledger.note(directory)]),
        ]
    )
    if len(summary.get("terms") or {}) > 1:
        console.print(_terms(summary["terms"]))
    console.print(f"  Files: {directory}", soft_wrap=True)


def _terms(terms: Mapping[str, Any]) -> Any:
    """What each term of the loss did."""
    table = plain_table(
        "What each term of the loss did, percent",
        "Term", ">Loss", ">first", ">last", ">Gradient", ">first", ">last",
        caption="Shares, over all folds: mean of all epochs, the first, the last. Gradient: its norm on the backbone.",
    )  # fmt: skip
    for name, term in terms.items():
        cells = [
            percent(course and course[key])
            for course in (term["loss_share"], term["gradient_share"])
            for key in ("mean", "first", "last")
        ]
        table.add_row(name, *cells)
    return table


def data_title(summary: Mapping[str, Any]) -> str:
    """The dataset in words: its mask, and that it is synthetic where it is."""
    return data_words(str(summary["dataset"]), summary.get("mask"), synthetic=bool(summary["synthetic"]))


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
    epoch = {
        "last": "last epoch",
        "inner": f"epoch chosen on inner {summary['interval_unit']}s",
        "test": "epoch chosen on the test fold",
    }.get(summary["select"], "how the epoch was chosen is unknown")
    divided = f"{folds} folds{times}" if folds > 1 else f"the dataset's own split{times}"
    if before := summary.get("evaluates"):
        models = f"{folds * summary['repeats']} models of run {before.get('run')}, trained on {before.get('dataset')}"
        divided = f"predictions of {before['file']}" if "file" in before else models
    unit = f"{summary['interval_units']} {summary['interval_unit']}s"
    sha = summary.get("weights_sha256")
    pretraining = summary["pretraining"] + (f" (sha256 {sha[:8]})" if sha else "")
    trained_on = summary["train_on"] or "unknown conditions"
    return [
        f"{divided}, {who}, {epoch}, trained on {trained_on}, pretraining {pretraining}",
        f"Intervals resample {unit} and are about {summary['interval_about']}.",
        *summary["notes"],
    ]
