"""Two methods on the same samples: differences with intervals, sign flips of subjects, and the tests beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import lcm

import numpy as np

from msde_toolkit import statistics
from msde_toolkit.results.compare.answers import Answers, Mask
from msde_toolkit.results.compare.comparison import Beside
from msde_toolkit.results.compare.measures import AVERAGE, Measure
from msde_toolkit.statistics import Estimate
from msde_toolkit.statistics.metrics import Values

NO_SUBJECTS = "subjects unknown: images are taken as independent, p is likely too small"
SENSITIVITY = "sensitivity only: one difference a fold (mean over repeats), training sets overlap"


@dataclass(frozen=True)
class Pair:
    """A method and the baseline.

    Attributes:
        method, baseline: their answers.
        same_seeds: whether repeat r of one goes with repeat r of the other.
    """

    method: Answers
    baseline: Answers
    same_seeds: bool

    def estimates(self, measure: Measure, bounds: tuple[float, float] = (-1.0, 1.0)) -> list[Estimate]:
        """Differences of the measure's numbers, with intervals."""
        return statistics.crossed_intervals(
            [measure.table(self.method), measure.table(self.baseline)],
            lambda one, two: measure.statistic(one) - measure.statistic(two),
            bounds=bounds,
            units=measure.subjects,
            paired_repeats=self.same_seeds,
        )

    def p_values(self, measure: Measure) -> Values:
        """``[M]`` subjects' answers change places; exact for the accuracy in one condition."""
        first, second = (measure.table(side).mean(axis=1) for side in (self.method, self.baseline))
        found = statistics.swap_test(first, second, measure.statistic)
        if measure.condition != AVERAGE and measure.columns[0] == ("accuracy", None):
            found[0] = statistics.sign_flip(self.by_subject(measure.chosen[0]))
        return found

    def by_subject(self, chosen: Mask) -> Values:
        """``[S]`` images that the method alone got right minus those that the baseline alone did, mean over repeats.

        Multiplied so that they are whole, as far as that can be: their sums can then all be listed.
        """
        scores = self.differences(chosen)
        times = lcm(*(_answers_an_image(side) for side in (self.method, self.baseline)))
        whole = np.rint(scores * times)
        return whole if np.abs(whole - scores * times).max(initial=0.0) < 1e-6 else scores

    def differences(self, chosen: Mask) -> Values:
        """``[S]`` as ``by_subject``, in images."""
        apart = self.method.right.mean(axis=1) - self.baseline.right.mean(axis=1)
        group = self.method.samples.group[chosen]
        sums = np.bincount(group, apart[chosen], self.method.samples.groups)
        return np.asarray(sums[np.unique(group)], dtype=np.float64)

    def beside(self, name: str, condition: str) -> Iterator[Beside]:
        """The other tests of the difference in accuracy in one condition."""
        samples = self.method.samples
        chosen = samples.of(condition)
        if not samples.has_subjects:
            yield self._plain(name, condition, chosen)
            return
        group = samples.group[chosen]
        sizes = np.bincount(group, minlength=samples.groups)[np.unique(group)]
        few = statistics.few_groups(len(sizes))
        for kind in ("obuchowski", "durkalski"):
            found = statistics.clustered_mcnemar(self.differences(chosen), sizes, kind)
            note = "for few subjects" if kind == "durkalski" and few else ""
            note = "only for 30 subjects or more" if kind == "obuchowski" and few else note
            yield Beside(name, condition, kind, found.statistic, found.p, None, note)
        yield from self._resampled_t(name, condition, chosen)

    def _plain(self, name: str, condition: str, chosen: Mask) -> Beside:
        """McNemar's own test, of the first repeat: it needs one answer an image."""
        ours, theirs = (side.right[chosen, 0] > 0.5 for side in (self.method, self.baseline))
        found = statistics.plain_mcnemar(int((ours & ~theirs).sum()), int((theirs & ~ours).sum()))
        several = "; of the first repeat" if max(self.method.repeats, self.baseline.repeats) > 1 else ""
        return Beside(name, condition, found.kind, found.statistic, found.p, None, NO_SUBJECTS + several)

    def _resampled_t(self, name: str, condition: str, chosen: Mask) -> Iterator[Beside]:
        """Only where both were trained on the same two folds or more."""
        ours, theirs = self.method.fold_of, self.baseline.fold_of
        if ours is None or theirs is None or not (ours == theirs).all() or len(set(ours[chosen])) < 2:
            return
        apart = (self.method.right.mean(axis=1) - self.baseline.right.mean(axis=1))[chosen]
        _, fold = np.unique(ours[chosen].astype(str), return_inverse=True)
        sizes = np.bincount(fold)
        share = float(np.mean(sizes / (sizes.sum() - sizes)))
        found = statistics.resampled_t(np.bincount(fold, apart) / sizes, share)
        detectable = None if found.t is None else found.detectable
        yield Beside(name, condition, "resampled_t", found.t, found.p, detectable, SENSITIVITY)


def _answers_an_image(answers: Answers) -> int:
    """How many answers each image has, over all repeats; the least common one where that differs."""
    return answers.repeats * lcm(*{round(1 / weight) for weight in np.unique(answers.weight).tolist()})
