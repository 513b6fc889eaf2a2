"""The analysis ``reliability``: does a model that says "90 % sure" get 90 % right, with and without a mask?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from msde_toolkit import figures, statistics
from msde_toolkit.interfaces import Analysis, AnalysisContext, PluginOptions, RunView
from msde_toolkit.types import AnalysisResult, InputError, Section
from pydantic import Field

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class HeldOut:
    """Held-out predictions of one run in one condition, n of them.

    Attributes:
        run: the run's id.
        condition: "nm", "m" or another word of the manifest.
        confidence: ``[n]`` softmax probability of the predicted class, in (0, 1].
        right: ``[n]`` 1.0 where the prediction is right, else 0.0.
        groups: ``[n]`` subject of each sample (the sample itself, where subjects are unknown): what intervals resample.
        bins: a row for each bin of confidence: run, condition, low, high, n, confidence and accuracy (means, missing
            where the bin is empty).
    """

    run: str
    condition: str
    confidence: npt.NDArray[np.float64]
    right: npt.NDArray[np.float64]
    groups: npt.NDArray[Any]
    bins: pd.DataFrame


class Reliability(Analysis):
    """Mean confidence against accuracy: one number for each condition, and a diagram by bins of confidence."""

    summary = "Confidence against accuracy of each condition, with the expected calibration error"
    reference = "Guo et al. 2017 (ICML), On Calibration of Modern Neural Networks, Sec. 2"
    licence = "Apache-2.0"

    class Options(PluginOptions):
        """What ``--set analysis.KEY=VALUE`` can change."""

        bins: int = Field(10, ge=2, le=100, description="Equal bins of confidence between 0 and 1.")

    def run(self, context: AnalysisContext) -> AnalysisResult:
        """A table of bins, a diagram with a panel for each run, and the numbers a reader would quote.

        Raises:
            InputError: if a run has no held-out predictions.
        """
        import pandas as pd

        by_run = [_parts(run, self.options.bins) for run in context.progress(context.runs, "Reliability")]
        parts = [part for of_run in by_run for part in of_run]
        findings = [_finding(part, context.seed) for part in parts]
        return AnalysisResult(
            summary={
                "runs": findings,
                "confidence": "softmax probability of the predicted class",
                "gap": "mean confidence minus accuracy; above 0 is over-confident",
                "gap_ci95": f"percentile bootstrap over groups, {statistics.DRAWS} draws, seed {context.seed}",
                "bins": self.options.bins,
            },
            tables={"reliability": pd.concat([part.bins for part in parts], ignore_index=True)},
            figures={"reliability": _figure(context.runs, by_run)},
            sections=[Section("Reliability", "\n".join(_sentence(finding) for finding in findings))],
        )


def _parts(run: RunView, bins: int) -> list[HeldOut]:
    """The run's held-out predictions, a part for each condition, unmasked first; folds and repeats pooled."""
    table = run.predictions
    if table.empty:
        message = f"Run {run.name} has no held-out predictions. Finish it first: msde run --resume DIR."
        raise InputError(message)
    logits = np.stack(table["logits"].to_list()).astype(np.float64)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    confidence = 1 / odds.sum(axis=1)  # the predicted class has the largest logit, so its odds are exp(0)
    right = (table["label"] == table["predicted"]).to_numpy().astype(np.float64)
    groups = run.manifest.groups()[run.manifest.rows_of(table["id"])]
    parts = []
    for word in run.manifest.conditions:
        rows = (table["condition"] == word).to_numpy()
        if rows.any():
            binned = _binned(confidence[rows], right[rows], bins)
            binned = binned.assign(run=run.name, condition=word)[["run", "condition", *binned.columns]]
            parts.append(HeldOut(run.name, word, confidence[rows], right[rows], groups[rows], binned))
    return parts


def _binned(confidence: npt.NDArray[np.float64], right: npt.NDArray[np.float64], count: int) -> pd.DataFrame:
    """A row for each of ``count`` equal bins, open below and closed above as in the paper."""
    import pandas as pd

    edges = np.linspace(0, 1, count + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, count - 1)
    n = np.bincount(place, minlength=count)
    sums = (np.bincount(place, values, minlength=count) for values in (confidence, right))
    means = [np.where(n > 0, total / np.maximum(n, 1), np.nan) for total in sums]
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "n": n, "confidence": means[0], "accuracy": means[1]})


def _finding(part: HeldOut, seed: int) -> dict[str, Any]:
    gap = part.confidence - part.right
    distance = (part.bins["confidence"] - part.bins["accuracy"]).abs()
    return {
        "run": part.run,
        "condition": part.condition,
        "confidence": float(part.confidence.mean()),
        "accuracy": float(part.right.mean()),
        "gap": float(gap.mean()),
        # Images of one person are alike, so whole subjects are resampled; None for fewer than two.
        "gap_ci95": statistics.cluster_mean_interval(gap, part.groups, seed=seed),
        "expected_calibration_error": float((distance * part.bins["n"]).sum() / len(part.right)),
        "n": len(part.right),
        "groups": len(set(part.groups)),
    }


def _sentence(finding: dict[str, Any]) -> str:
    ends = finding["gap_ci95"]
    interval = f" (95 % interval {100 * ends[0]:+.1f} to {100 * ends[1]:+.1f})" if ends else ""
    return (
        f"{finding['run']}, {figures.condition_title(finding['condition'])}: {100 * finding['confidence']:.1f} % sure "
        f"and {100 * finding['accuracy']:.1f} % right, a gap of {100 * finding['gap']:+.1f} points{interval}; expected "
        f"calibration error {100 * finding['expected_calibration_error']:.1f} points, "
        f"n = {finding['n']} of {finding['groups']} groups."
    )


def _figure(runs: Sequence[RunView], by_run: Sequence[Sequence[HeldOut]]) -> Figure:
    """Accuracy over confidence, a panel for each run and a line for each condition; the diagonal is calibrated."""
    with figures.paper_style():
        figure = figures.new_figure(figures.SINGLE_COLUMN_MM * len(runs), 86)
        panels = figure.subplots(1, len(runs), squeeze=False)[0]
        for axes, run, parts in zip(panels, runs, by_run, strict=True):
            axes.plot([0, 1], [0, 1], color="#777777", linewidth=0.8, linestyle="--", label="calibrated")
            for part, marker in zip(parts, figures.MARKERS, strict=False):
                filled = part.bins[part.bins["n"] > 0]
                axes.plot(
                    filled["confidence"],
                    filled["accuracy"],
                    color=figures.condition_colour(part.condition),
                    marker=marker,
                    markersize=4,
                    clip_on=False,
                    label=f"{figures.condition_title(part.condition)}, n = {len(part.right)}",
                )
            axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="mean confidence", ylabel="accuracy")
            axes.set_title(run.title if len(runs) == 1 else f"{run.title}\n{run.name}")
            axes.legend(loc="upper left")
        figures.add_note(figure, "Held-out predictions, folds and repeats pooled; empty bins are left out.")
        if any(run.synthetic for run in runs):
            figures.mark_synthetic(figure)
    return figure
