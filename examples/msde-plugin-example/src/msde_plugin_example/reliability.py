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
    """

    run: str
    condition: str
    confidence: npt.NDArray[np.float64]
    right: npt.NDArray[np.float64]
    groups: npt.NDArray[Any]

    def bins(self, count: int) -> pd.DataFrame:
        """One row for each of ``count`` equal bins of confidence; means are missing where a bin is empty."""
        import pandas as pd

        edges = np.linspace(0, 1, count + 1)
        place = np.clip(np.searchsorted(edges, self.confidence, side="left") - 1, 0, count - 1)
        n = np.bincount(place, minlength=count)
        sums = [np.bincount(place, values, minlength=count) for values in (self.confidence, self.right)]
        confidence, accuracy = (np.where(n > 0, total / np.maximum(n, 1), np.nan) for total in sums)
        columns = {"low": edges[:-1], "high": edges[1:], "n": n, "confidence": confidence, "accuracy": accuracy}
        return pd.DataFrame({"run": self.run, "condition": self.condition, **columns})


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

        parts = [part for run in context.progress(context.runs, "Reliability") for part in _parts(run)]
        tables = [part.bins(self.options.bins) for part in parts]
        findings = [_finding(part, bins, context.seed) for part, bins in zip(parts, tables, strict=True)]
        return AnalysisResult(
            summary={
                "runs": findings,
                "confidence": "softmax probability of the predicted class",
                "gap": "mean confidence minus accuracy; above 0 is over-confident",
                "gap_ci95": f"percentile bootstrap over groups, {statistics.DRAWS} draws, seed {context.seed}",
                "bins": self.options.bins,
            },
            tables={"reliability": pd.concat(tables, ignore_index=True)},
            figures={"reliability": _figure(context.runs, parts, tables)},
            sections=[Section("Reliability", "\n".join(_sentence(finding) for finding in findings))],
        )


def _parts(run: RunView) -> list[HeldOut]:
    """The run's held-out predictions, a part for each condition, unmasked first; folds and repeats pooled."""
    table = run.predictions
    if table.empty:
        message = f"Run {run.name} has no held-out predictions. Finish it first: msde run --resume DIR."
        raise InputError(message)
    logits = np.stack(table["logits"].to_list()).astype(np.float64)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    confidence = 1 / odds.sum(axis=1)  # the predicted class has the largest logit, so its odds are exp(0)
    right = (table["label"] == table["predicted"]).to_numpy(dtype=np.float64)
    groups = run.manifest.groups()[run.manifest.rows_of(table["id"])]
    words = table["condition"].to_numpy()
    return [
        HeldOut(run.name, word, confidence[words == word], right[words == word], groups[words == word])
        for word in run.manifest.conditions
        if (words == word).any()
    ]


def _finding(part: HeldOut, bins: pd.DataFrame, seed: int) -> dict[str, Any]:
    distance = (bins["confidence"] - bins["accuracy"]).abs()
    gap = part.confidence - part.right
    return {
        "run": part.run,
        "condition": part.condition,
        "confidence": float(part.confidence.mean()),
        "accuracy": float(part.right.mean()),
        "gap": float(gap.mean()),
        # Images of one person are alike, so whole subjects are resampled; None for fewer than two.
        "gap_ci95": statistics.cluster_mean_interval(gap, part.groups, seed=seed),
        "expected_calibration_error": float((distance * bins["n"]).sum() / bins["n"].sum()),
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


def _figure(runs: Sequence[RunView], parts: Sequence[HeldOut], tables: Sequence[pd.DataFrame]) -> Figure:
    """Accuracy over confidence, a panel for each run and a line for each condition; the diagonal is calibrated."""
    with figures.paper_style():
        figure = figures.new_figure(figures.SINGLE_COLUMN_MM * len(runs), 86)
        for axes, run in zip(figure.subplots(1, len(runs), squeeze=False)[0], runs, strict=True):
            axes.plot([0, 1], [0, 1], color="#777777", linewidth=0.8, linestyle="--", label="calibrated")
            of_run = [pair for pair in zip(parts, tables, strict=True) if pair[0].run == run.name]
            for (part, bins), marker in zip(of_run, figures.MARKERS, strict=False):
                filled = bins[bins["n"] > 0]
                label = f"{figures.condition_title(part.condition)}, n = {len(part.right)}"
                colour = figures.condition_colour(part.condition)
                axes.plot(filled["confidence"], filled["accuracy"], color=colour, marker=marker, label=label)
            axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="mean confidence", ylabel="accuracy")
            axes.set_title(run.title if len(runs) == 1 else f"{run.title}\n{run.name}")
            axes.legend(loc="upper left")
        figures.add_note(figure, "Held-out predictions, folds and repeats pooled; empty bins are left out.")
        if any(run.synthetic for run in runs):
            figures.mark_synthetic(figure)
    return figure
