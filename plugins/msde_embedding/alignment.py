"""The analysis ``alignment``: how much of a face's features stays the same when a mask is put on."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from msde_embedding.across_mask import Measure, cosines, pair_cka, probe, retrieval
from msde_embedding.sides import Sides, has_both, sides_of
from msde_toolkit import statistics
from msde_toolkit.held_out import Units
from msde_toolkit.interfaces import Analysis, AnalysisContext, PluginOptions, RunView
from msde_toolkit.types import AnalysisResult, InputError, Section

if TYPE_CHECKING:
    import pandas as pd

MEASURES = {
    "cosine_pair": "cosine of a pair's two faces",
    "cosine_same_class": "cosine with masked faces of others, same class",
    "cosine_other_class": "cosine with masked faces of others, other classes",
    "cosine_excess": "cosine of a pair minus others of the same class",
    "top1": "partner is the nearest across the mask",
    "top5": "partner is among the five nearest",
    "reciprocal_rank": "mean reciprocal rank of the partner",
    "cka": "linear CKA of unmasked and masked features, debiased",
    "probe_accuracy": "probe for the mask, balanced accuracy",
    "probe_auc": "probe for the mask, area under the ROC curve",
}
"""Measures in the order they are told, in words."""

BOUNDS = {"cosine": (-1.0, 1.0), "cosine_excess": (-2.0, 2.0), "cka": (-1.0, 1.0)}


class Alignment(Analysis):
    """Cosine of pairs, retrieval of the partner, CKA, and a probe for the mask."""

    summary = "How alike features are with and without a mask: cosine, retrieval of the partner, CKA, mask probe"
    reference = "Kornblith et al. 2019 (ICML); Song et al. 2012 (JMLR); MSD-E paper, Sec. 3.3"
    licence = "Apache-2.0"
    in_report = True

    class Options(PluginOptions):
        """Options of the measures."""

        pairs: int = Field(300, ge=10, le=5000, description="Pairs a fold at most; above it a balanced subset by seed.")
        repeats: int = Field(0, ge=0, description="Repeats of the cross-validation that are asked, first ones; 0: all.")
        centre: Literal["joint", "condition", "none"] = Field(
            "joint", description="Mean taken off a fold's features: of all, of each condition apart, or nothing."
        )

    def run(self, context: AnalysisContext) -> AnalysisResult:
        """Each run's measures, within folds and then averaged, with what chance would give.

        Raises:
            InputError: if no run has faces both with and without a mask, or a run's models are missing.
        """
        import pandas as pd

        from msde_embedding.alignment_figure import alignment_figure

        able = [run for run in context.runs if has_both(run)]
        if not able:
            names = ", ".join(run.name for run in context.runs)
            message = f"{names}: no held-out faces both with and without a mask, so there is nothing to align."
            raise InputError(message)
        found = [self._of_run(run, context) for run in context.progress(able, "Features across the mask")]
        summaries = [self._summary(one) for one in found]
        left_out = {run.name: "held-out faces of one condition only" for run in context.runs if run not in able}
        summary = {"runs": summaries, "left_out": left_out, "protocol": _protocol(self.options.centre)}
        return AnalysisResult(
            summary={**summary, "seed": context.seed},
            tables={
                "alignment": pd.concat([_table(one) for one in found], ignore_index=True),
                "alignment_folds": pd.concat([_fold_table(one) for one in found], ignore_index=True),
            },
            figures={"alignment": alignment_figure(able, summaries, self._note(found))},
            sections=[
                Section("Alignment across the mask", "\n".join([*map(_sentence, summaries), *_left_out(left_out)]))
            ],
        )

    def _of_run(self, run: RunView, context: AnalysisContext) -> _Found:
        repeats = sorted(set(run.predictions["repeat"]))
        asked = [int(repeat) for repeat in repeats[: self.options.repeats or None]]
        parts = [
            (sides, _measures(sides.centred(self.options.centre), context.seed))
            for repeat in asked
            for sides in sides_of(run, repeat, self.options.pairs, context.seed)
        ]
        pooled: dict[str, Measure] = {}
        for name in MEASURES:
            of_folds = [measures[name] for _, measures in parts if name in measures]
            if of_folds:
                pooled[name] = _joined(of_folds)
        return _Found(run, asked, parts, {name: _estimate(name, one, context.seed) for name, one in pooled.items()})

    def _summary(self, found: _Found) -> dict[str, Any]:
        first = [sides for sides, _ in found.parts if sides.repeat == found.repeats[0]]
        used, there = sum(len(sides.nm.labels) for sides in first), sum(sides.of for sides in first)
        run = found.run
        unit = "subject" if run.manifest.has_subjects else "sample"
        groups = np.concatenate([group for sides in first for group in (sides.nm.groups, sides.m.groups)])
        return {
            "run": run.name,
            "title": run.title,
            "synthetic": run.synthetic,
            "identity": run.identity,
            "paired": first[0].paired,
            "n": used,
            "left_out_by_subset": there - used,
            "folds": len(first),
            "repeats": len(found.repeats),
            "groups": len(set(groups)),
            "interval_unit": unit,
            "interval_note": Units(groups, unit).doubt,
            "estimand": statistics.MODELS,
            "measures": found.estimates,
        }

    def _note(self, found: list[_Found]) -> str:
        summaries = [self._summary(one) for one in found]
        what = (
            "pairs"
            if all(one["paired"] for one in summaries)
            else "pairs (or unmasked images, where a run has no pairs)"
        )
        counts = " or ".join(sorted({str(one["n"]) for one in summaries}))
        doubts = dict.fromkeys(one["interval_note"] for one in summaries if one["interval_note"])
        return (
            f"{counts} held-out {what}, each by its own fold's model; everything is measured within a fold and "
            f"averaged over folds by their size. {_CENTRES[self.options.centre]} Bars: 95% intervals over "
            f"{summaries[0]['interval_unit']}s for these trained models. Dots: chance. Retrieval is among all pairs "
            "of the fold; the probe is tested on people that it was not fitted on."
            + "".join(f" {doubt[0].upper()}{doubt[1:]}." for doubt in doubts)
        )


@dataclass(frozen=True)
class _Found:
    """What was found for one run: ``parts`` each fold and repeat, ``estimates`` all together."""

    run: RunView
    repeats: list[int]
    parts: list[tuple[Sides, dict[str, Measure]]]
    estimates: dict[str, dict[str, Any]]


_CENTRES = {
    "joint": "Features are centred at their fold's mean.",
    "condition": "Features of each condition are centred at their own mean, which hides a constant shift by the mask.",
    "none": "Features are not centred.",
}


def _protocol(centre: str) -> str:
    return (
        "features of held-out faces by their own fold's model; every measure within a fold, then the mean over folds "
        f"and repeats weighted by size; {_CENTRES[centre].lower().rstrip('.')}; intervals resample groups"
    )


def _measures(sides: Sides, seed: int) -> dict[str, Measure]:
    found = {**cosines(sides), **probe(sides, seed)}
    return {**found, **retrieval(sides), "cka": pair_cka(sides)} if sides.paired else found


def _joined(measures: list[Measure]) -> Measure:
    values = np.concatenate([one.values for one in measures])
    sizes = [len(one.values) for one in measures]
    chance = float(np.average([one.chance for one in measures], weights=sizes))
    return Measure(values, np.concatenate([one.groups for one in measures]), chance)


def _estimate(name: str, measure: Measure, seed: int) -> dict[str, Any]:
    known = np.isfinite(measure.values)
    if not known.any():
        return {"value": None, "ci95": None, "chance": None, "n": 0}
    low, high = BOUNDS.get(name, BOUNDS.get(name.split("_")[0], (0.0, 1.0)))
    interval = statistics.cluster_mean_interval(measure.values, measure.groups, seed=seed)
    return {
        "value": float(measure.values[known].mean()),
        "ci95": None if interval is None else (max(low, interval[0]), min(high, interval[1])),
        "chance": None if np.isnan(measure.chance) else measure.chance,
        "n": int(known.sum()),
    }


def _table(found: _Found) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for name, one in found.estimates.items():
        low, high = one["ci95"] or (None, None)
        rows.append(
            {
                "run": found.run.name,
                "measure": name,
                "what": MEASURES[name],
                "value": one["value"],
                "ci95_low": low,
                "ci95_high": high,
                "chance": one["chance"],
                "values": one["n"],
            }
        )
    return pd.DataFrame(rows)


def _fold_table(found: _Found) -> pd.DataFrame:
    """A row a fold and repeat: the folds are different models, and differ."""
    import pandas as pd

    rows = []
    for sides, measures in found.parts:
        means = {name: _mean(one) for name, one in measures.items()}
        place = {"run": found.run.name, "repeat": sides.repeat, "fold": sides.fold, "n": len(sides.nm.labels)}
        rows.append({**place, **means, "chance_top1": measures["top1"].chance if sides.paired else None})
    return pd.DataFrame(rows)


def _mean(measure: Measure) -> float | None:
    known = np.isfinite(measure.values)
    return float(measure.values[known].mean()) if known.any() else None


def _sentence(summary: dict[str, Any]) -> str:
    measures = defaultdict(lambda: {"value": None}, summary["measures"])
    what = "pairs" if summary["paired"] else "unmasked faces and as many masked ones (the run has no pairs)"
    subset = f", of {summary['n'] + summary['left_out_by_subset']}" if summary["left_out_by_subset"] else ""
    lines = [
        f"{summary['run']}{' (synthetic faces)' * summary['synthetic']}: {summary['n']} {what}{subset}, "
        f"{summary['groups']} {summary['interval_unit']}s, {summary['folds']} folds, {summary['repeats']} repeat(s)."
    ]
    if not summary["paired"]:
        lines.append("Without pairs there is no cosine of a pair, no retrieval and no CKA.")
    for name, form in (
        ("cosine_pair", ".2f"), ("cosine_same_class", ".2f"), ("top1", ".1%"), ("reciprocal_rank", ".2f"),
        ("cka", ".2f"), ("probe_accuracy", ".1%"), ("probe_auc", ".2f"),
    ):  # fmt: skip
        one = measures[name]
        if one["value"] is not None:
            ends = f" [{one['ci95'][0]:{form}}, {one['ci95'][1]:{form}}]" if one["ci95"] else ""
            chance = "" if one["chance"] is None or name == "cka" else f" (chance {one['chance']:{form}})"
            lines.append(f"{MEASURES[name][0].upper()}{MEASURES[name][1:]}: {one['value']:{form}}{ends}{chance}.")
    if summary["interval_note"]:
        lines.append(f"Note: {summary['interval_note']}.")
    return " ".join(lines)


def _left_out(left_out: dict[str, str]) -> list[str]:
    return [f"{name} is left out: {why}." for name, why in left_out.items()]
