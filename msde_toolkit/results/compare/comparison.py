"""What a comparison of runs says, as plain records: everything that ``msde compare`` and a report show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

Ends = tuple[float, float] | None
"""Both ends of a 95 % interval; None where there are too few subjects for one."""

Family = Literal["primary", "exploratory"]
SCHEMA = 1


@dataclass(frozen=True)
class Method:
    """A run that is compared.

    Attributes:
        name: what tables call it.
        title: model, loss and data in words.
        model, loss, trained_on, pretraining: of the run.
        folds, repeats: how often it was trained.
    """

    name: str
    title: str
    model: str
    loss: str
    trained_on: str | None
    pretraining: str
    folds: int
    repeats: int


@dataclass(frozen=True)
class Score:
    """A metric of one method.

    Attributes:
        method: its name.
        condition: ``nm``, ``m``, any further one of the data, or ``average`` (mean of nm and m).
        metric: ``accuracy``, ``balanced_accuracy``, ``macro_f1`` or ``recall``.
        label: the class of a recall, else None.
        value: a fraction, all repeats pooled.
        ci95: crossed bootstrap over subjects and repeats.
        estimand: what the interval speaks of.
        n: images.
        subjects: resampled units that these images show.
        unreliable: why not to trust the interval, or None.
    """

    method: str
    condition: str
    metric: str
    label: str | None
    value: float
    ci95: Ends
    estimand: str
    n: int
    subjects: int
    unreliable: str | None


@dataclass(frozen=True)
class Difference:
    """A metric of a method minus that of the baseline.

    Attributes:
        method, condition, metric, label, ci95, estimand, n, subjects, unreliable: as of ``Score``.
        difference: a fraction; positive where the method is better.
        p: sign flips of subjects, two-sided; it speaks of these trained models.
        p_adjusted: Holm inside the primary family, Benjamini and Hochberg among everything exploratory.
        adjustment: ``holm`` or ``bh``.
        family: ``primary`` only where it was declared before.
        verdict: ``better`` or ``worse`` where the adjusted p is below .05 and the interval leaves out zero, else
            ``undecided``. Where trainings vary either alone raises false alarms more often.
    """

    method: str
    condition: str
    metric: str
    label: str | None
    difference: float
    ci95: Ends
    estimand: str
    p: float
    p_adjusted: float
    adjustment: str
    family: Family
    n: int
    subjects: int
    unreliable: str | None
    verdict: str = "undecided"


@dataclass(frozen=True)
class Beside:
    """Another test of a difference in accuracy, beside the sign flips; never a second chance.

    Attributes:
        method, condition: what is compared with the baseline.
        test: ``obuchowski``, ``durkalski``, ``resampled_t``, ``plain`` or ``exact``.
        statistic: chi-squared with one degree of freedom, or t; None where there is none.
        p: two-sided, unadjusted.
        detectable: of the resampled t: smallest true difference that it would find with power .8; None where folds
            do not vary.
        note: what must be said of it.
    """

    method: str
    condition: str
    test: str
    statistic: float | None
    p: float
    detectable: float | None
    note: str


@dataclass(frozen=True)
class Kept:
    """Whether a method maintains the baseline's accuracy on unmasked faces.

    Attributes:
        method: its name.
        margin: how much may be lost, a fraction.
        declared: whether the margin was declared before.
        difference: in NM accuracy.
        low: lower end of its interval.
        verdict: ``maintained`` (the interval lies above -margin), ``lost`` (below it), ``undecided``.
    """

    method: str
    margin: float
    declared: bool
    difference: float
    low: float | None
    verdict: str


@dataclass(frozen=True)
class Gap:
    """A method's gap, NM minus M, and how it differs from the baseline's.

    Attributes:
        method: its name.
        over: ``all images`` or ``complete pairs``.
        labels: ``given`` (as verified) or ``requested`` (what the subject was asked for).
        weighing: ``images`` alike (accuracy) or ``classes`` alike (mean recall over classes with both conditions).
        gap: a fraction; positive where masks cost accuracy.
        ci95: of the gap.
        n: images, both conditions.
        subjects: resampled units.
        unreliable: why not to trust the intervals, or None.
        change: the method's gap minus the baseline's; None for the baseline. Negative: the gap is smaller.
        change_ci95: of the change.
        p, p_adjusted: of the change, exploratory.
        verdict: ``closes`` or ``widens`` where the adjusted p is below .05 and the interval of the change leaves out
            zero, else ``undecided``; None for the baseline.
    """

    method: str
    over: str
    labels: str
    weighing: str
    gap: float
    ci95: Ends
    n: int
    subjects: int
    unreliable: str | None
    change: float | None = None
    change_ci95: Ends = None
    p: float | None = None
    p_adjusted: float | None = None
    verdict: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Runs compared with a baseline.

    Attributes:
        baseline: name of the method that all others are compared with.
        declared: the family that was declared before; None where everything is exploratory.
        data: ``dataset``, ``synthetic``, ``images``, ``subjects``, ``unit`` (subject or sample), ``identity``.
        estimand: what the intervals speak of.
        methods: baseline first.
        scores, differences, beside, maintains, gaps: the rows.
        warnings: what is not equal between the runs, or makes their numbers no evidence.
        notes: how to read the rows.
    """

    baseline: str
    declared: Mapping[str, Any] | None
    data: Mapping[str, Any]
    estimand: str
    methods: tuple[Method, ...]
    scores: tuple[Score, ...]
    differences: tuple[Difference, ...]
    beside: tuple[Beside, ...]
    maintains: tuple[Kept, ...]
    gaps: tuple[Gap, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON: each field under its name, the records as dictionaries, ``schema`` first."""
        return {"schema": SCHEMA, **{field.name: _plain(getattr(self, field.name)) for field in fields(self)}}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [asdict(item) if hasattr(item, "__dataclass_fields__") else item for item in value]
    return dict(value) if isinstance(value, Mapping) else value
