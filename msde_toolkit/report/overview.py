"""The report's first part: what was run on what, with which result, and what forbids relying on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msde_toolkit.report.folders import name_alone, without_folders
from msde_toolkit.results.data_words import data_words
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.statistics import few_groups

MEASURES = {"nm": "NM (no mask)", "m": "M (mask)", "average": "Average of NM and M", "gap": "Gap, NM minus M"}


@dataclass(frozen=True)
class Measure:
    """One accuracy (or difference of two) with its interval, fractions.

    Attributes:
        name: a key of ``MEASURES``, or another condition.
        title: in words.
        value: pooled over folds and repeats; None where there is none.
        low: lower end of the 95 % interval.
        high: upper end.
        n: images.
    """

    name: str
    title: str
    value: float | None
    low: float | None
    high: float | None
    n: int | None

    @property
    def text(self) -> str:
        """In percent: "87.6 [85.4, 89.7]"."""
        if self.value is None:
            return "-"
        ends = (
            "no interval" if self.low is None or self.high is None else f"{100 * self.low:.1f}, {100 * self.high:.1f}"
        )
        return f"{100 * self.value:.1f} [{ends}]"


@dataclass(frozen=True)
class Banner:
    """What a reader must see before any number: ``severe`` ones make the numbers no evidence."""

    label: str
    text: str
    severe: bool


DRAWN = Banner("Synthetic", "The faces are drawn: no real person, no result about people", severe=False)


def measures(run: OpenRun) -> list[Measure]:
    """Accuracy by condition, their average and gap, as ``summary.json`` has them."""
    found = run.summary.get("metrics")
    return [_measure(str(name), value) for name, value in (found if isinstance(found, Mapping) else {}).items()]


def _measure(name: str, value: Any) -> Measure:
    part = value if isinstance(value, Mapping) else {}
    accuracy = part.get("accuracy")
    accuracy = accuracy if isinstance(accuracy, Mapping) else {}
    ends = accuracy.get("ci95")
    low, high = ends if isinstance(ends, list) and len(ends) == 2 else (None, None)
    n = part.get("n")
    title = MEASURES.get(name, name)
    return Measure(name, title, _number(accuracy.get("pooled")), _number(low), _number(high), _whole(n))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def banners(runs: Sequence[OpenRun]) -> list[Banner]:
    """Unsound protocols, withdrawn consent, presets that are not for citation, synthetic faces; each said once."""
    found: dict[Banner, list[str]] = {}
    for run in runs:
        for banner in _banners(run):
            found.setdefault(banner, []).append(run.name)
    several = len(runs) > 1
    return [
        Banner(banner.label, f"{banner.text} ({_which(names, len(runs))})" if several else banner.text, banner.severe)
        for banner, names in sorted(found.items(), key=lambda item: (not item[0].severe, item[0].label != DRAWN.label))
    ]


def _banners(run: OpenRun) -> list[Banner]:
    unsound = [Banner("UNSOUND", str(reason), severe=True) for reason in run.summary.get("unsound") or []]
    tainted = [Banner("TAINTED", who, severe=True) for who in run.tainted]
    preset = [Banner("Not for citation", note, severe=False) for note in notes(run) if "not for citation" in note]
    return [*unsound, *tainted, *([DRAWN] if run.synthetic else []), *preset]


def _which(names: Sequence[str], count: int) -> str:
    return "all runs" if len(names) == count else ", ".join(names)


def notes(run: OpenRun) -> list[str]:
    """The run's notes as it wrote them."""
    found = run.summary.get("notes")
    return [without_folders(str(note)) for note in found] if isinstance(found, list) else []


def facts(run: OpenRun) -> list[tuple[str, str]]:
    """What a reader needs beside the numbers: data, protocol, unit of the intervals, size, start."""
    summary = run.summary
    parameters = summary.get("parameters")
    count = parameters.get("trainable") if isinstance(parameters, Mapping) else None
    return [
        ("Data", data_title(run)),
        ("Protocol", protocol(run)),
        ("Intervals", intervals(run)),
        ("Trained on", str(summary.get("train_on") or "unknown")),
        ("Pretraining", _pretraining(run)),
        ("Trainable parameters", f"{count:,}" if isinstance(count, int) else "unknown"),
        ("Preset, profile", f"{summary.get('preset') or 'none'}, {summary.get('profile') or 'unknown'}"),
    ]


@dataclass(frozen=True)
class Facts:
    """Facts of several runs: what they share once, and what differs as a table, a row a run."""

    shared: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def side_by_side(runs: Sequence[OpenRun]) -> Facts:
    """The facts of all runs, told apart into shared and different ones."""
    told = [dict(facts(run)) for run in runs]
    shared = tuple((name, text) for name, text in told[0].items() if all(one[name] == text for one in told))
    columns = tuple(name for name in told[0] if name not in dict(shared))
    return Facts(shared, columns, tuple(tuple(one[name] for name in columns) for one in told))


def all_notes(runs: Sequence[OpenRun]) -> list[str]:
    """The notes of all runs, each once, with the runs that made it where not all did."""
    made: dict[str, list[str]] = {}
    for run in runs:
        for note in notes(run):
            made.setdefault(note, []).append(run.name)
    return [note if len(names) == len(runs) else f"{note} ({', '.join(names)})" for note, names in made.items()]


def data_title(run: OpenRun) -> str:
    """The dataset, its mask, and whether it is drawn."""
    return data_words(str(run.summary["dataset"]), run.summary.get("mask"), synthetic=run.synthetic)


def protocol(run: OpenRun) -> str:
    """Folds, repeats, whether people are kept apart, and how the epoch was chosen."""
    folds = len(run.summary["folds"])
    times = f", {run.repeats} repeats" if run.repeats > 1 else ""
    apart = "no subject on both sides" if run.identity == "independent" else "subjects unknown"
    epoch = {"last": "last epoch", "inner": "epoch chosen inside training", "test": "epoch chosen on the test fold"}
    evaluates = "evaluation on other data, " if run.summary.get("evaluates") else ""
    divided = f"{folds} folds" if folds > 1 else "one division"
    chosen = epoch.get(str(run.summary.get("select")), "how the epoch was chosen is unknown")
    return f"{evaluates}{divided}{times}, {apart}, {chosen}"


def intervals(run: OpenRun) -> str:
    """What the intervals resample, and how far they can be relied on."""
    unit, units = str(run.summary.get("interval_unit", "unit")), _whole(run.summary.get("interval_units"))
    about = run.summary.get("interval_about")
    words = f"95 %, over {units if units is not None else 'an unknown number of'} {unit}s"
    words += f", about {about}" if about else ""
    if unit != "subject":
        words += "; subjects are unknown, so they are likely too narrow"
    elif units is not None and few_groups(units):
        words += "; so few subjects make them unreliable"
    return words


def _pretraining(run: OpenRun) -> str:
    sha = run.summary.get("weights_sha256")
    name = name_alone(run.pretraining)
    return f"{name} (sha256 {str(sha)[:8]})" if sha else name
