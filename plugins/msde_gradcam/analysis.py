"""The analysis ``gradcam``: where held-out images are looked at, by the model of the fold that held them out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from msde_toolkit.cams import METHODS
from msde_toolkit.held_out import held_out
from msde_toolkit.interfaces import Analysis, AnalysisContext, PluginOptions, RunView
from msde_toolkit.types import AnalysisResult, Section

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from msde_gradcam.explain import Explained
    from msde_gradcam.selection import Shown


class GradCam(Analysis):
    """Class-activation maps of pairs, and how much of them lies on the mask."""

    summary = "Grad-CAM of held-out images, unmasked and masked side by side"
    reference = "Selvaraju et al. 2017 (ICCV); MSD-E paper, Fig. 6; computed with the grad-cam package"
    licence = "Apache-2.0"

    class Options(PluginOptions):
        """Options of the maps."""

        samples: int = Field(14, ge=1, le=200, description="Pairs (or single images) shown, balanced over classes.")
        maps: Literal["shown", "all"] = Field(
            "shown", description="Held-out samples that get a map: those shown, or all (mask energy is then over all)."
        )
        target: Literal["predicted", "label"] = Field("predicted", description="The class that a map explains.")
        layer: str = Field("", description="Name of one of the model's CAM layers; empty: its first.")
        method: Literal["gradcam", "gradcam++", "hirescam", "layercam", "xgradcam"] = Field(
            "gradcam", description="How channels are weighted."
        )
        batch_size: int = Field(16, ge=1, description="Images explained at a time (SCAN at 224 px: 0.1 GB each).")

    def run(self, context: AnalysisContext) -> AnalysisResult:
        """Raw maps, the mask's share of them, and a figure.

        Raises:
            InputError: if a run has no held-out predictions, or its model has no such layer.
            PluginError: if the model's layer cannot be explained.
        """
        import pandas as pd

        from msde_gradcam.explain import explain
        from msde_gradcam.selection import choose

        summaries, tables, drawn, arrays = [], [], {}, {}
        for run in context.runs:
            rows = held_out(run)
            shown = choose(rows, self.options.samples, context.seed)
            wanted = [sample for group in shown for sample in group.ids]
            samples = rows if self.options.maps == "all" else rows[rows["id"].isin(wanted)]
            explained = explain(run, samples, self.options, context)
            suffix = f"_{_file_word(run.name)}" if len(context.runs) > 1 else ""
            for group in shown:
                condition = f"_{_file_word(group.conditions[0])}" if len(shown) > 1 else ""
                drawn[f"gradcam{suffix}{condition}"] = self._figure(run, group, explained, context.seed)
            arrays[f"maps{suffix}"] = _arrays(explained)
            summaries.append(self._summary(run, shown, explained, context.seed))
            tables.append(explained.table.assign(run=run.name, shown=explained.table["id"].isin(wanted)))
        return AnalysisResult(
            summary={"runs": summaries},
            tables={"samples": pd.concat(tables, ignore_index=True)},
            figures=drawn,
            arrays=arrays,
            sections=[Section("Grad-CAM", "\n".join(map(_sentence, summaries)))],
        )

    def _figure(self, run: RunView, shown: Shown, explained: Explained, seed: int) -> Figure:
        from msde_gradcam.figure import Panels, gradcam_figure

        rows = {sample: row for row, sample in enumerate(explained.table["id"])}
        images = run.images(shown.ids)
        panels = Panels(
            title=run.title,
            note=self._note(shown, explained, seed),
            method=METHODS[self.options.method],
            synthetic=run.synthetic,
            headings=_headings(explained, run.classes),
            maps={sample: explained.maps[rows[sample]] for sample in shown.ids},
            images=dict(zip(shown.ids, images, strict=True)),
        )
        return gradcam_figure(shown, panels)

    def _note(self, shown: Shown, explained: Explained, seed: int) -> str:
        target = "predicted class" if self.options.target == "predicted" else "true class"
        missing = "" if shown.paired else " The run holds no complete pairs."
        return (
            f"Above each: true class → predicted class. Maps explain the {target} at layer {explained.layer!r}, by the "
            f"model of the fold that held the face out. {_chosen(shown, seed)}{missing}"
        )

    def _summary(self, run: RunView, shown: list[Shown], explained: Explained, seed: int) -> dict[str, Any]:
        from msde_gradcam.energy import energy_summary

        table = explained.table
        return {
            "run": run.name,
            "title": run.title,
            "synthetic": run.synthetic,
            "method": METHODS[self.options.method],
            "target": self.options.target,
            "layer": explained.layer,
            "map_size": list(explained.maps.shape[1:]),
            "paired": shown[0].paired,
            "shown": sum(len(group.entries) for group in shown),
            "chosen": _chosen(shown[0], seed),
            "maps": len(table),
            "maps_of": self.options.maps,
            "maps_without_positive_evidence": int((explained.maps.max(axis=(1, 2)) == 0).sum()),
            "predictions_not_reproduced": int((table["recomputed"] != table["predicted"]).sum()),
            "mask_energy": energy_summary(table, run, seed),
            "faces_shown": True,
            "faces_note": _faces_note(run, [sample for group in shown for sample in group.ids]),
        }


def _chosen(shown: Shown, seed: int) -> str:
    count, what = len(shown.entries), "pair" if shown.paired else "image"
    several = "s" if count > 1 else ""
    return f"{count} held-out {what}{several}, drawn by seed {seed} from the classes in turn, right or wrong alike."


def _headings(explained: Explained, classes: tuple[str, ...]) -> dict[str, str]:
    columns = (explained.table[name] for name in ("id", "label", "predicted"))
    return {
        sample: f"{classes[label]} → {classes[predicted]}: {'right' if label == predicted else 'wrong'}"
        for sample, label, predicted in zip(*columns, strict=True)
    }


def _faces_note(run: RunView, ids: list[str]) -> str | None:
    consent = run.manifest.frame["consent"].iloc[run.manifest.rows_of(ids)]
    if run.synthetic or (consent == "publish").all():
        return None
    return "contains faces without recorded consent to publish"


def _arrays(explained: Explained) -> dict[str, Any]:
    """Without pickled objects, so that ``numpy.load`` opens it as it is."""
    table = explained.table
    words = {"ids": "id", "fold": "fold", "condition": "condition"}
    named = {key: np.array(table[column].astype(str), dtype=np.str_) for key, column in words.items()}
    numbers = {key: table[key].to_numpy(dtype=np.int64) for key in ("label", "predicted", "target")}
    return {**named, **numbers, "maps": explained.maps}


def _file_word(word: str) -> str:
    return re.sub(r"[^\w-]+", "_", word)


def _sentence(summary: dict[str, Any]) -> str:
    lines = [f"{summary['run']}: {summary['method']} of the {summary['target']} class at layer {summary['layer']}."]
    for condition, found in (summary["mask_energy"] or {}).items():
        ends = f" [{found['ci95'][0]:.1%}, {found['ci95'][1]:.1%}]" if found["ci95"] else ""
        doubt = ": too few, the interval is unreliable" if found["few_groups"] else ""
        lines.append(
            f"{condition}: {found['energy_share']:.1%}{ends} of the map lies on the mask region, which covers "
            f"{found['area_share']:.1%} of the image ({found['n']} images of {found['groups']} "
            f"{found['interval_unit']}s{doubt})."
        )
    if summary["faces_note"]:
        lines.append(f"The figure {summary['faces_note']}.")
    return " ".join(lines)
