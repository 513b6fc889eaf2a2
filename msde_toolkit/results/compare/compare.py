"""``compare``: each run against a baseline on the same images, as a ``Comparison``.

``compare(runs).as_dict()`` is (fractions; ``ci95`` is [low, high] or null)::

    {"schema": 1, "baseline": "ce", "estimand": "...", "warnings": [...], "notes": [...],
     "declared":    {"baseline", "methods", "conditions", "margin"} or null,
     "data":        {"dataset", "synthetic", "images", "subjects", "unit", "identity"},
     "methods":     [{"name", "title", "model", "loss", "trained_on", "pretraining", "folds", "repeats"}],
     "scores":      [{"method", "condition", "metric", "label", "value", "ci95", "estimand", "n", "subjects",
                      "unreliable"}],
     "differences": [{"method", "condition", "metric", "label", "difference", "ci95", "estimand", "p", "p_adjusted",
                      "adjustment", "family", "n", "subjects", "unreliable", "verdict"}],
     "beside":      [{"method", "condition", "test", "statistic", "p", "detectable", "note"}],
     "maintains":   [{"method", "margin", "declared", "difference", "low", "verdict"}],
     "gaps":        [{"method", "over", "labels", "weighing", "gap", "ci95", "n", "subjects", "unreliable", "change",
                      "change_ci95", "p", "p_adjusted", "verdict"}]}

``comparison.py`` says what each entry means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from msde_toolkit import statistics
from msde_toolkit.errors import InputError
from msde_toolkit.options import nearest
from msde_toolkit.results.compare import gaps
from msde_toolkit.results.compare.answers import Answers, all_answers
from msde_toolkit.results.compare.cautions import cautions
from msde_toolkit.results.compare.comparison import (
    Comparison,
    Difference,
    Ends,
    Gap,
    Kept,
    Method,
    Score,
)
from msde_toolkit.results.compare.measures import Measure, measures
from msde_toolkit.results.compare.paired import Pair
from msde_toolkit.results.compare.reading import reading
from msde_toolkit.results.compare.same_samples import check_same_samples, named
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.results.study_files import Primary

ACCURACY = ("accuracy", None)
ALPHA = 0.05


def compare(
    runs: Sequence[OpenRun], baseline: str | None = None, primary: Primary | None = None, margin: float | None = None
) -> Comparison:
    """Each run against the baseline.

    Args:
        runs: two or more, on the same samples and labels.
        baseline: name of the run that the others are compared with; the declared one, else the first.
        primary: the family that a study declared before; without it everything is exploratory.
        margin: of "maintains NM", a fraction, where none was declared; without any there is no verdict.

    Raises:
        InputError: fewer than two runs, other samples or labels, an unknown baseline, a margin that is no fraction or
            not the declared one.
    """
    if len(runs) < 2:
        message = "A comparison needs two runs or more: msde compare RUN RUN, or --study DIR."
        raise InputError(message)
    everyone = named(runs)
    base = _baseline(everyone, baseline, primary)
    everyone = {base: everyone[base], **everyone}
    limit = _margin(primary, margin)
    check_same_samples(everyone)
    answers = all_answers(everyone)
    samples = answers[base].samples
    pairs = {name: _pair(everyone, answers, name, base) for name in everyone if name != base}
    parts = measures(samples)
    found = [row for part in parts for name, pair in pairs.items() for row in _differences(name, pair, part)]
    rows, gap_rows = _adjusted(found, gaps.gaps(answers, pairs), primary)
    return Comparison(
        baseline=base,
        declared=None if primary is None else primary.model_dump(mode="json"),
        data={
            "dataset": everyone[base].manifest.name,
            "synthetic": any(run.synthetic for run in everyone.values()),
            "images": len(samples.ids),
            "subjects": samples.groups,
            "unit": "subject" if samples.has_subjects else "sample",
            "identity": "independent" if all(run.identity == "independent" for run in runs) else "unknown",
        },
        estimand=statistics.METHOD if min(answer.repeats for answer in answers.values()) > 1 else statistics.MODELS,
        methods=tuple(_method(name, run) for name, run in everyone.items()),
        scores=tuple(row for part in parts for name, answer in answers.items() for row in _scores(name, answer, part)),
        differences=tuple(rows),
        beside=tuple(
            row for name, pair in pairs.items() for word in samples.conditions for row in pair.beside(name, word)
        ),
        maintains=() if limit is None else tuple(_kept(rows, limit, declared=margin is None)),
        gaps=tuple(gap_rows),
        warnings=tuple(cautions(everyone)),
        notes=(*reading(everyone, answers, primary, limit), *gaps.notes(samples)),
    )


def _baseline(everyone: Mapping[str, OpenRun], wanted: str | None, primary: Primary | None) -> str:
    declared = None if primary is None else primary.baseline
    if declared is not None and wanted not in (None, declared):
        message = f"--baseline {wanted}: the study declared {declared}; leave the option out."
        raise InputError(message)
    name = wanted or declared or next(iter(everyone))
    if name not in everyone:
        why = "the declared baseline, is not finished" if name == declared else "not one of the runs"
        message = f"--baseline {name}: {why}. {nearest(name, list(everyone))}"
        raise InputError(message)
    return name


def _margin(primary: Primary | None, given: float | None) -> float | None:
    declared = None if primary is None else primary.margin
    if given is not None and declared is not None:
        message = f"--margin: the study declared {100 * declared:g} percent; leave the option out."
        raise InputError(message)
    margin = declared if given is None else given
    if margin is not None and not 0 < margin < 1:
        message = f"--margin {100 * margin:g}: expected percent of accuracy, more than 0 and less than 100."
        raise InputError(message)
    return margin


def _pair(everyone: Mapping[str, OpenRun], answers: Mapping[str, Answers], name: str, base: str) -> Pair:
    return Pair(answers[name], answers[base], same_seeds=everyone[name].seed == everyone[base].seed)


def _method(name: str, run: OpenRun) -> Method:
    return Method(
        name=name,
        title=run.title,
        model=str(run.summary["model"]),
        loss=str(run.summary["loss"]),
        trained_on=run.summary.get("train_on"),
        pretraining=run.pretraining,
        folds=len(run.summary["folds"]),
        repeats=run.repeats,
    )


def _scores(name: str, answers: Answers, part: Measure) -> list[Score]:
    found = statistics.crossed_intervals([part.table(answers)], part.statistic, units=part.subjects)
    return [
        Score(
            name, part.condition, metric, label, one.value, one.interval, one.estimand, images, one.subjects,
            one.unreliable,
        )
        for (metric, label), one, images in zip(part.columns, found, part.images, strict=True)
        if np.isfinite(one.value)
    ]  # fmt: skip


def _differences(name: str, pair: Pair, part: Measure) -> list[Difference]:
    """Not adjusted yet."""
    found, p_values = pair.estimates(part), pair.p_values(part).tolist()
    return [
        Difference(
            method=name,
            condition=part.condition,
            metric=metric,
            label=label,
            difference=one.value,
            ci95=one.interval,
            estimand=one.estimand,
            p=p,
            p_adjusted=p,
            adjustment="bh",
            family="exploratory",
            n=images,
            subjects=one.subjects,
            unreliable=one.unreliable,
        )
        for (metric, label), one, p, images in zip(part.columns, found, p_values, part.images, strict=True)
        if np.isfinite(one.value)
    ]


def _adjusted(
    rows: Sequence[Difference], gap_rows: Sequence[Gap], primary: Primary | None
) -> tuple[list[Difference], list[Gap]]:
    """Holm inside the declared family, Benjamini and Hochberg over everything else."""
    of_family = _holm(rows, primary) if primary is not None else {}
    rest = [row.p for row in rows if _key(row) not in of_family] + [row.p for row in gap_rows if row.p is not None]
    values = iter(statistics.benjamini_hochberg(rest).tolist())
    told = []
    for row in rows:
        inside = _key(row) in of_family
        p = of_family[_key(row)] if inside else next(values)
        judged = replace(row, p_adjusted=p, verdict=_verdict(p, row.ci95, ("worse", "better")))
        told.append(replace(judged, adjustment="holm", family="primary") if inside else judged)
    return told, [row if row.p is None else _judged(row, next(values)) for row in gap_rows]


def _judged(row: Gap, p: float) -> Gap:
    return replace(row, p_adjusted=p, verdict=_verdict(p, row.change_ci95, ("closes", "widens")))


def _verdict(p: float, ends: Ends, words: tuple[str, str]) -> str:
    """The word for below or above zero, where the adjusted p and the interval both say so."""
    low, high = ends or (0.0, 0.0)
    if p >= ALPHA or low <= 0 <= high:
        return "undecided"
    return words[0] if high < 0 else words[1]


def _key(row: Difference) -> tuple[str, str] | None:
    return (row.method, row.condition) if (row.metric, row.label) == ACCURACY else None


def _holm(rows: Sequence[Difference], primary: Primary) -> dict[tuple[str, str] | None, float]:
    """Adjusted p of each test of the family that could be made; one that could not keeps its place, as if p were 1."""
    made = {key: row.p for row in rows if (key := _key(row)) is not None}
    family = list(product(primary.methods, primary.conditions))
    adjusted = statistics.holm([made.get(key, 1.0) for key in family]).tolist()
    return {key: p for key, p in zip(family, adjusted, strict=True) if key in made}


def _kept(rows: Sequence[Difference], margin: float, *, declared: bool) -> list[Kept]:
    found = [row for row in rows if row.condition == "nm" and (row.metric, row.label) == ACCURACY]
    out = []
    for row in found:
        low, high = row.ci95 or (None, None)
        verdict = "maintained" if statistics.non_inferior(low, margin) else "undecided"
        verdict = "lost" if high is not None and high < -margin else verdict
        out.append(Kept(row.method, margin, declared, row.difference, low, verdict))
    return out
