"""The analysis ``calibration``: whether a model's confidence can be believed, with and without a mask."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic import Field

from msde_robustness.answers import answers_of
from msde_robustness.reliability import COVERAGES, Found, Number, found_in
from msde_toolkit import statistics
from msde_toolkit.interfaces import Analysis, AnalysisContext, PluginOptions, RunView
from msde_toolkit.types import AnalysisResult, Section

if TYPE_CHECKING:
    import pandas as pd

HALF = 9
"""Place of 50 % in ``COVERAGES``."""


class Calibration(Analysis):
    """ECE, reliability, proper scores and selective accuracy of each condition."""

    summary = "Whether confidence can be believed: ECE, reliability, Brier, NLL, selective accuracy by condition"
    reference = "Guo et al. 2017 (ICML); Naeini et al. 2015 (AAAI); Geifman and El-Yaniv 2017 (NeurIPS)"
    licence = "Apache-2.0"
    in_report = True

    class Options(PluginOptions):
        """Options of the numbers."""

        bins: int = Field(15, ge=1, le=100, description="Bins of equal mass at most; each holds at least 25 answers.")

    def run(self, context: AnalysisContext) -> AnalysisResult:
        """Numbers, reliability diagrams and selective accuracy of each run and condition.

        Raises:
            InputError: if a run has no held-out predictions.
        """
        import pandas as pd

        from msde_robustness.calibration_figure import reliability_figure, selective_figure

        found = [
            found_in(run, answers, self.options.bins, context.seed)
            for run in context.progress(context.runs, "Calibration")
            for answers in answers_of(run)
        ]
        summary = {
            "runs": [_run_summary(run, [one for one in found if one.run is run]) for run in context.runs],
            "protocol": "softmax of held-out answers, all fold models and repeats pooled; intervals resample groups",
            "estimand": statistics.MODELS,
            "seed": context.seed,
        }
        return AnalysisResult(
            summary=summary,
            tables={
                "calibration": pd.DataFrame([row for one in found for row in _rows(one)]),
                "reliability": pd.DataFrame([{**_place(one), **row} for one in found for row in one.bins]),
                "selective": _selective_table(found),
            },
            figures={
                "calibration": reliability_figure(
                    context.runs, found, f"{_note(found, 'Bars: 95% intervals')} {_bins(found)}"
                ),
                "selective": selective_figure(context.runs, found, _note(found, "Bands: pointwise 95% intervals")),
            },
            sections=[Section("Calibration", "\n".join(map(_sentence, found)))],
        )


def _place(found: Found) -> dict[str, Any]:
    return {"run": found.run.name, "condition": found.answers.condition}


def _rows(found: Found) -> list[dict[str, Any]]:
    at = {f"accuracy_at_{round(100 * COVERAGES[place])}": found.curve[place] for place in (HALF, 15)}
    rows = []
    for name, number in {**found.numbers, **at, "aurc": found.area}.items():
        low, high = number.ci95 or (None, None)
        numbers = {"value": number.value, "ci95_low": low, "ci95_high": high, "reference": number.reference}
        rows.append({**_place(found), "measure": name, **numbers, "n": len(found.answers.labels)})
    return rows


def _selective_table(found: list[Found]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for one in found:
        for coverage, number in zip(COVERAGES.tolist(), one.curve, strict=True):
            low, high = number.ci95 or (None, None)
            rows.append(
                {**_place(one), "coverage": coverage, "accuracy": number.value, "ci95_low": low, "ci95_high": high}
            )
    return pd.DataFrame(rows)


def _run_summary(run: RunView, found: list[Found]) -> dict[str, Any]:
    return {
        "run": run.name,
        "title": run.title,
        "synthetic": run.synthetic,
        "identity": run.identity,
        "conditions": {one.answers.condition: _condition_summary(one) for one in found},
    }


def _condition_summary(found: Found) -> dict[str, Any]:
    answers = found.answers
    return {
        "n": answers.images,
        "answers": len(answers.labels),
        "groups": answers.units.count,
        "interval_unit": answers.units.unit,
        "interval_note": answers.units.doubt,
        "confidence_note": None if answers.graded else _UNGRADED,
        "bins": len(found.bins),
        **{name: asdict(number) for name, number in found.numbers.items()},
        "aurc": asdict(found.area),
        "selective_accuracy": {
            f"{coverage:.2f}": asdict(number) for coverage, number in zip(COVERAGES.tolist(), found.curve, strict=True)
        },
    }


def _bins(found: list[Found]) -> str:
    counts = " or ".join(map(str, sorted({len(one.bins) for one in found})))
    return f"ECE in {counts} bins of equal mass; in parentheses what perfectly calibrated answers would get by chance."


_UNGRADED = "every answer has the same confidence, so that these numbers say no more than the accuracy"


def _note(found: list[Found], drawn: str) -> str:
    units = " or ".join(sorted({one.answers.units.unit for one in found}))
    notes = [one.answers.units.doubt for one in found] + [None if one.answers.graded else _UNGRADED for one in found]
    doubts = dict.fromkeys(note for note in notes if note)
    return (
        f"Held-out answers, all fold models and repeats pooled: no single model is shown. {drawn} over {units}s."
        + "".join(f" {doubt[0].upper()}{doubt[1:]}." for doubt in doubts)
    )


def _sentence(found: Found) -> str:
    numbers, answers = found.numbers, found.answers
    doubts = [note for note in (answers.units.doubt, None if answers.graded else _UNGRADED) if note]
    fold_models = len(answers.labels) / answers.images
    again = f" ({fold_models:.0f} answers each)" if fold_models > 1 else ""
    return (
        f"{found.run.name}{' (synthetic faces)' * found.run.synthetic}, {answers.condition}: {answers.images} images"
        f"{again} of {answers.units.count} {answers.units.unit}s, pooled over the fold models. Confidence minus "
        f"accuracy {_told(numbers['overconfidence'], '+.1%')}. ECE {_told(numbers['ece'], '.1%')} in "
        f"{len(found.bins)} bins of equal mass (perfectly calibrated answers: {numbers['ece'].reference:.1%}). Brier "
        f"{_told(numbers['brier'], '.3f')} (class shares: {numbers['brier'].reference:.3f}), NLL "
        f"{_told(numbers['nll'], '.2f')} (class shares: {numbers['nll'].reference:.2f}). Accuracy "
        f"{_told(numbers['accuracy'], '.1%')}, of the most confident half {_told(found.curve[HALF], '.1%')}."
        + "".join(f" Note: {doubt}." for doubt in doubts)
    )


def _told(number: Number, form: str) -> str:
    ends = f" [{number.ci95[0]:{form}}, {number.ci95[1]:{form}}]" if number.ci95 else ""
    return f"{number.value:{form}}{ends}"
