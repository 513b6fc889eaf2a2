"""What masks cost each method, NM minus M, and whether a method closes the baseline's gap.

On all images the two conditions may show other people, other classes. Complete pairs are the same faces twice; labels
that were verified may still differ within a pair (without the mouth a face may look like another class), requested ones
do not; and classes weighed alike, the classes' shares play no part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from msde_toolkit import statistics
from msde_toolkit.results.compare.answers import UNKNOWN, Answers, Mask, Rows, Samples
from msde_toolkit.results.compare.comparison import Gap
from msde_toolkit.results.compare.measures import BOTH, Measure, of_gap
from msde_toolkit.results.compare.paired import Pair

ALL, PAIRS = "all images", "complete pairs"
GIVEN, REQUESTED = "given", "requested"
IMAGES, CLASSES = "images", "classes"


@dataclass(frozen=True)
class _View:
    """A way to look at the gap; ``decides`` where "closes" may be said of it."""

    over: str
    labels: str
    inside: Mask
    label: Rows
    decides: bool


def gaps(answers: Mapping[str, Answers], pairs: Mapping[str, Pair]) -> list[Gap]:
    """Rows of every view and method, p values not adjusted yet; none without both conditions.

    Args:
        answers: of all methods, by name.
        pairs: of each method but the baseline.
    """
    samples = next(iter(answers.values())).samples
    if not set(BOTH) <= set(samples.conditions):
        return []
    return [
        _row(name, answer, pairs.get(name), view, by_class=by_class)
        for view in _views(samples)
        for by_class in (False, True)
        for name, answer in answers.items()
    ]


def notes(samples: Samples) -> list[str]:
    """What could not be looked at, and how labels differ within pairs."""
    if not set(BOTH) <= set(samples.conditions):
        return [f"only condition {', '.join(samples.conditions)}: there is no gap"]
    if not samples.complete.any():
        return ["no complete pairs: the gap is between images of the same subjects at best, and labels may differ"]
    told = []
    left = int((~samples.complete & np.isin(samples.condition.astype(str), BOTH)).sum())
    if left:
        are = "1 image is" if left == 1 else f"{left:,} images are"
        told.append(f"{are} not of a complete pair, and counted in 'all images' only")
    if not _asked(samples).any():
        told.append("requested labels are unknown: gaps are by the given labels only")
    return told


def _views(samples: Samples) -> Iterator[_View]:
    everything = np.ones(len(samples.ids), dtype=bool)
    yield _View(ALL, GIVEN, everything, samples.label, decides=not samples.complete.any())
    if samples.complete.any():
        yield _View(PAIRS, GIVEN, samples.complete, samples.label, decides=True)
    asked = _asked(samples)
    if asked.any():
        yield _View(PAIRS, REQUESTED, asked, samples.requested, decides=True)


def _asked(samples: Samples) -> Mask:
    """``[N]`` complete pairs of which every image's requested label is known."""
    return np.asarray(samples.complete & (samples.requested != UNKNOWN))


def _row(name: str, answers: Answers, pair: Pair | None, view: _View, *, by_class: bool) -> Gap:
    measure = of_gap(answers.samples, view.inside, view.label, by_class=by_class)
    (found,) = statistics.crossed_intervals(
        [measure.table(answers)], measure.statistic, bounds=(-1.0, 1.0), units=measure.subjects
    )
    row = Gap(
        method=name,
        over=view.over,
        labels=view.labels,
        weighing=CLASSES if by_class else IMAGES,
        gap=found.value,
        ci95=found.interval,
        n=measure.images[0],
        subjects=found.subjects,
        unreliable=found.unreliable,
    )
    return row if pair is None or not view.decides else _with_change(row, pair, measure)


def _with_change(row: Gap, pair: Pair, measure: Measure) -> Gap:
    (change,) = pair.estimates(measure, (-2.0, 2.0))
    return replace(
        row,
        change=change.value,
        change_ci95=change.interval,
        p=float(pair.p_values(measure)[0]),
    )
