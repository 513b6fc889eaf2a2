"""What a sample of the paper's size can resolve at all, and which of the paper's differences it cannot."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from msde_toolkit import statistics
from msde_toolkit.reproduce.measured import Scores
from msde_toolkit.reproduce.published import PublishedTable
from msde_toolkit.results.compare.measures import BOTH
from msde_toolkit.results.open_run import OpenRun

SUBJECTS = 142
"""In MSD-E (Sec. 2.1)."""
LEVEL, POWER = 0.05, 0.8


def binomial_note(percent: float, images: int) -> str:
    """How far off an accuracy may be by chance, even if every image were another person's."""
    share = percent / 100
    half = 196 * (share * (1 - share) / images) ** 0.5
    return (
        f"An accuracy of {percent:g} % over {images} images has a 95 % interval of +-{half:.1f} points even if all "
        f"images were of different people; they are of {SUBJECTS}, and so it is wider."
    )


def detectable(baseline: OpenRun, other: OpenRun, *, pairs_only: bool) -> Mapping[str, float] | None:
    """By condition, the smallest true difference of accuracies that ``SUBJECTS`` subjects would show.

    From how the two runs' answers differ from subject to subject (first repeat), by the normal approximation, for a
    two-sided test of level .05 with power .8. What training again would change is not in it.

    Returns:
        None where subjects are unknown, or too few to say.
    """
    from scipy.stats import norm

    if not baseline.manifest.has_subjects:
        return None
    first, second = (Scores(run, pairs_only=pairs_only) for run in (baseline, other))
    subjects = first.samples.groups
    if statistics.few_groups(subjects) or not np.array_equal(first.samples.ids, second.samples.ids):
        return None
    factor = float(norm.ppf(1 - LEVEL / 2) + norm.ppf(POWER))
    out = {}
    for condition in BOTH:
        (right, shown), (other_right, _) = (scores.right_and_shown(condition) for scores in (first, second))
        if shown.sum() == 0:
            continue
        difference = other_right - right
        rest = difference - difference.sum() / shown.sum() * shown
        error = np.sqrt(subjects / (subjects - 1) * (rest**2).sum()) / shown.sum()
        out[condition] = float(factor * error * np.sqrt(subjects / SUBJECTS))
    return out


def resolution_note(table: PublishedTable, runs: Mapping[str, OpenRun], data: str) -> str | None:
    """The differences from the baseline that the table prints, told apart by whether its sample can show them."""
    baseline = next(row for row in table.rows if row.method == "baseline")
    if not {row.run for row in table.rows} <= set(runs):
        return None
    limits: dict[str, list[float]] = {}
    shown: list[str] = []
    hidden: list[str] = []
    for row in table.rows:
        found = detectable(runs[baseline.run], runs[row.run], pairs_only=table.pairs_only) if row != baseline else {}
        if found is None:
            return "Too few subjects are known here to say what the paper's sample could resolve."
        for condition, limit in found.items():
            percent, before = getattr(row, condition), getattr(baseline, condition)
            if percent is None or before is None:
                continue
            limits.setdefault(condition, []).append(100 * limit)
            words = f"{row.method} {condition.upper()} {percent - before:+.2f}"
            (shown if abs(percent - before) >= 100 * limit else hidden).append(words)
    told = " and ".join(f"{min(some):.1f} to {max(some):.1f} points ({word.upper()})" for word, some in limits.items())
    return (
        f"What {SUBJECTS} subjects can resolve, going by how answers differ from subject to subject in these runs on "
        f"{data}: differences from the baseline from {told} on, with power .8 at level .05, training again left aside. "
        f"Of the paper's differences {_listed(hidden)} are below that, {_listed(shown)} are not."
    )


def _listed(words: list[str]) -> str:
    return ", ".join(words) if words else "none"
