"""The analysis ``errors``: the worst and the most telling cases, as a sheet, a gallery and a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from msde_robustness.cases import AGREED, Opinions, agreed_on_another, opinions, pair_flow
from msde_robustness.error_sheet import COLUMNS, ErrorSheet
from msde_toolkit import statistics
from msde_toolkit.held_out import units
from msde_toolkit.interfaces import Analysis, AnalysisContext, PluginOptions
from msde_toolkit.types import AnalysisResult, Section

if TYPE_CHECKING:
    import pandas as pd


class Errors(Analysis):
    """Confident errors, errors that the mask made, and those that all models share."""

    summary = "The most telling errors as a sheet of faces: confident, made by the mask, shared by all models"
    reference = "Own work"
    licence = "Apache-2.0"
    in_report = True

    class Options(PluginOptions):
        """Options of the sheet."""

        samples: int = Field(12, ge=2, le=60, description="Faces shown of each kind; a pair counts as two.")

    def run(self, context: AnalysisContext) -> AnalysisResult:
        """A sheet a run, and of several runs another one of what they all get wrong alike.

        Raises:
            InputError: if a run has no held-out predictions.
        """
        import pandas as pd

        found = [opinions(run) for run in context.progress(context.runs, "Looking for errors")]
        several = len(found) > 1
        shared = agreed_on_another(found)
        sheets = [ErrorSheet(one, agreed_on_another([one]), self.options.samples) for one in found]
        drawn = {f"errors{_suffix(one, several)}": page.figure() for one, page in zip(found, sheets, strict=True)}
        faces = {f"errors{_suffix(one, several)}": page.ids for one, page in zip(found, sheets, strict=True)}
        views = [view for page in sheets for view in page.galleries()]
        if several and len(shared):
            page = ErrorSheet(found[0], shared, self.options.samples, runs=len(found))
            drawn["errors_agreed"], faces["errors_agreed"] = page.figure(), page.ids
        rows = [row for page in sheets for row in page.rows()]
        summaries = [_summary(one, page, context.seed) for one, page in zip(found, sheets, strict=True)]
        return AnalysisResult(
            summary={
                "runs": summaries,
                "agreed_by_all_runs": len(shared) if several else None,
                "protocol": "held-out answers; of an image with several models the mean of their probabilities",
            },
            tables={
                **({"errors": pd.DataFrame(rows, columns=COLUMNS)} if rows else {}),
                "counts": pd.DataFrame([row for one in summaries for row in _count_rows(one)]),
                **({"errors_agreed": shared} if several and len(shared) else {}),
            },
            figures=drawn,
            sections=[Section("Errors", "\n".join([*map(_sentence, summaries), *_shared_sentence(found, shared)]))],
            views=views,
            faces=faces,
        )


def _summary(found: Opinions, page: ErrorSheet, seed: int) -> dict[str, Any]:
    run, table = found.run, found.table
    may = run.manifest.publishable()[run.manifest.rows_of(page.ids)] if page.ids else np.ones(0, dtype=np.bool_)
    conditions = {}
    for word in run.manifest.conditions:
        mine = (table["condition"] == word).to_numpy()
        if mine.any():
            here = units(run, table[mine])
            wrong, part = 1.0 - found.right[mine], table[mine]
            right = statistics.cluster_bootstrap(
                part["label"], part["predicted"], here.groups, len(run.classes), seed=seed
            )["accuracy"]
            conditions[word] = {
                "n": int(mine.sum()),
                "wrong": int(wrong.sum()),
                "share": float(wrong.mean()),
                "ci95": None if right is None else (1.0 - right[1], 1.0 - right[0]),
                "groups": here.count,
                "interval_unit": here.unit,
                "interval_note": here.doubt,
            }
    return {
        "run": run.name,
        "title": run.title,
        "synthetic": run.synthetic,
        "identity": run.identity,
        "models_an_image": page.answers,
        "conditions": conditions,
        "pairs": pair_flow(found, seed),
        "agreed_on_another": len(page.cases[AGREED]) if page.answers > 1 else None,
        "faces_shown": bool(page.ids),
        "faces_note": None if may.all() else "contains faces without recorded consent to publish",
    }


def _count_rows(summary: dict[str, Any]) -> list[dict[str, Any]]:
    flows = {key: value for key, value in (summary["pairs"] or {}).items() if key != "n"}
    counts = [("images", word, "wrong", one["wrong"], one) for word, one in summary["conditions"].items()]
    counts += [
        ("pairs", "nm and m", name, one["pairs"], {**one, "n": summary["pairs"]["n"]}) for name, one in flows.items()
    ]
    rows = []
    for of, condition, what, count, one in counts:
        low, high = one["ci95"] or (None, None)
        place = {"run": summary["run"], "of": of, "condition": condition, "what": what, "count": count, "n": one["n"]}
        rows.append({**place, "share": one["share"], "ci95_low": low, "ci95_high": high})
    return rows


def _sentence(summary: dict[str, Any]) -> str:
    lines = [f"{summary['run']}{' (synthetic faces)' * summary['synthetic']}:"]
    notes = []
    for word, one in summary["conditions"].items():
        lines.append(f"{word}: {one['wrong']} of {one['n']} images wrong, {one['share']:.1%}{_ends(one['ci95'])}.")
        notes += [one["interval_note"]] if one["interval_note"] else []
    flow = summary["pairs"]
    if flow is None:
        lines.append("No complete pairs, so that what the mask changed cannot be told.")
    else:
        lost, gained = flow["lost_with_mask"], flow["gained_with_mask"]
        lines.append(
            f"Of {flow['n']} pairs {lost['pairs']} are right without the mask and wrong with it ({lost['share']:.1%}"
            f"{_ends(lost['ci95'])}), {gained['pairs']} the other way round ({gained['share']:.1%}"
            f"{_ends(gained['ci95'])})."
        )
    if summary["agreed_on_another"] is not None:
        lines.append(f"{summary['agreed_on_another']} images get the same other class from each of their models.")
    lines += [f"Note: {note}." for note in dict.fromkeys(notes)]
    if summary["faces_note"]:
        lines.append(f"The sheet {summary['faces_note']}.")
    return " ".join(lines)


def _shared_sentence(found: Sequence[Opinions], shared: pd.DataFrame) -> list[str]:
    if len(found) < 2:
        return []
    return [f"{len(shared)} images that all {len(found)} runs hold out get the same other class from every model."]


def _ends(interval: statistics.Interval) -> str:
    return f" [{interval[0]:.1%}, {interval[1]:.1%}]" if interval else ""


def _suffix(found: Opinions, several: bool) -> str:
    return "_" + re.sub(r"[^\w-]+", "_", found.run.name) if several else ""
