"""How much the difference of two methods varies between subjects and trainings: from a pilot, or assumed.

With d_sr the difference in accuracy of subject s in repeat r: d_sr = delta + subject_s + training_r + chance_sr, the
two-way layout without replication (Searle, Casella and McCulloch 1992, ch. 4). What is negative counts as zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from msde_toolkit.errors import InputError
from msde_toolkit.results.compare.answers import Answers, all_answers
from msde_toolkit.results.compare.same_samples import check_same_samples, named
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.statistics.metrics import Values

CORRELATION = 0.5
"""Of two methods' subject effects, where only one method is known."""
TRAINING = 0.015
"""Standard deviation of a method's accuracy from one training to the next, where it is not known."""
SUBJECT = 0.12
"""Standard deviation of subjects' accuracy, where there is no pilot."""
DISCORDANT = 0.25
"""Share of images that one method tells right and the other does not, where there is no pilot; half of it chance."""
IMAGES = 7
"""Images of a subject in a condition, where there is no pilot: one of each expression."""


@dataclass(frozen=True)
class Variances:
    """Of the difference in accuracy between two methods, squared fractions.

    Attributes:
        condition: of which images; "any" where assumed.
        subject: between subjects, what stays from training to training.
        chance: of a subject in one training.
        training: between trainings.
        about: where the numbers are from, in words.
    """

    condition: str
    subject: float
    chance: float
    training: float
    about: str


def of_runs(runs: Sequence[OpenRun]) -> list[Variances]:
    """From one run, or two runs whose difference is looked at; one for each condition.

    Raises:
        InputError: more than two runs; other samples; a condition with fewer than two subjects.
    """
    if len(runs) > 2:
        message = f"A pilot is one run or two, not {len(runs)}."
        raise InputError(message)
    everyone = named(runs)
    check_same_samples(everyone)
    answers = all_answers(everyone)
    samples = next(iter(answers.values())).samples
    if not samples.has_subjects:
        message = f"{runs[0].name}: subjects are unknown, so nothing is known of how they vary."
        raise InputError(message)
    return [_of_condition(answers, word) for word in samples.conditions]


def assumed(images: int = IMAGES) -> Variances:
    """Without a pilot: plausible for expressions, no more than that."""
    chance = DISCORDANT / images / 2
    about = (
        f"no pilot, assumed: subjects' accuracy varies by {100 * SUBJECT:g} points (correlation of methods "
        f"{CORRELATION:g}), {100 * DISCORDANT:g} % of images discordant, half of them by chance, {images} images a "
        f"subject, trainings vary by {100 * TRAINING:g} points"
    )
    subject = 2 * (1 - CORRELATION) * SUBJECT**2 + chance
    return Variances("any", subject, chance, 2 * TRAINING**2, about)


def _of_condition(answers: dict[str, Answers], condition: str) -> Variances:
    names, sides = list(answers), [_by_subject(answer, condition) for answer in answers.values()]
    if len(sides[0]) < 2:
        message = f"{names[0]}: condition {condition} has images of one subject only."
        raise InputError(message)
    repeats = min(side.shape[1] for side in sides)
    sides = [side[:, :repeats] for side in sides]
    if len(sides) == 2:
        subject, chance, training = components(sides[0] - sides[1])
    else:
        subject, chance, training = components(sides[0])
        subject, chance, training = 2 * (1 - CORRELATION) * subject, 2 * chance, 2 * training
    if repeats == 1:
        training = 2 * TRAINING**2
    told = "; ".join(_told(names, len(sides[0]), repeats, alike=subject + chance == 0))
    return Variances(condition, subject, chance, training, told)


def _told(names: Sequence[str], subjects: int, repeats: int, *, alike: bool) -> Iterator[str]:
    from scipy.stats import chi2

    yield f"pilot {' and '.join(names)}, {subjects} subjects, {repeats} {'repeat' if repeats == 1 else 'repeats'}"
    if len(names) == 1:
        yield f"correlation of two methods' subject effects assumed to be {CORRELATION:g}"
    if repeats == 1:
        yield f"how training varies assumed to be {100 * TRAINING:g} points; chance counted as the subjects'"
    if alike:
        yield "no subject differs, so it says nothing of what can be found"
        return
    # Of a variance from so many subjects: its 95 % interval, as a factor of the standard deviation.
    low, high = np.sqrt((subjects - 1) / chi2.ppf([0.975, 0.025], subjects - 1))
    yield f"of variances from {subjects} subjects, differences may really be {low:.1f} to {high:.1f} times as large"


def components(table: Values) -> tuple[float, float, float]:
    """``[S, R]`` to the variances between subjects, by chance, between trainings; with R = 1 all is the subjects'."""
    subjects, repeats = table.shape
    of_means = float(table.mean(axis=1).var(ddof=1))
    if repeats == 1:
        return of_means, 0.0, 0.0
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    chance = float((rest**2).sum() / ((subjects - 1) * (repeats - 1)))
    between = float(table.mean(axis=0).var(ddof=1)) - chance / subjects
    return max(0.0, of_means - chance / repeats), chance, max(0.0, between)


def _by_subject(answers: Answers, condition: str) -> Values:
    """``[S, R]`` accuracy of each subject that has images of the condition."""
    chosen = answers.samples.of(condition)
    group = answers.samples.group[chosen]
    present = np.unique(group)
    sizes = np.bincount(group, minlength=answers.samples.groups)[present]
    sums = [np.bincount(group, column, answers.samples.groups)[present] for column in answers.right[chosen].T]
    return np.stack(sums, axis=1) / sizes[:, None]
