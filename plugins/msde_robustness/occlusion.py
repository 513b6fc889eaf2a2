"""The analysis ``occlusion``: accuracy against size and place of an occluder, and against the mask's opacity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import pandas as pd
from pydantic import Field, field_validator

from msde_robustness.covered import Subset, majority, subset, under_boxes, under_opacity
from msde_toolkit import statistics
from msde_toolkit.interfaces import Analysis, AnalysisContext, PluginOptions, RunView
from msde_toolkit.types import AnalysisResult, Section

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Share = Annotated[float, Field(gt=0, le=1)]
Opacity = Annotated[float, Field(ge=0, le=1)]


class Occlusion(Analysis):
    """Boxes of several sizes and places on held-out faces, and masks from transparent to opaque."""

    summary = "Accuracy against an occluder's size and place, and against the opacity of the mask on the same face"
    reference = "Zeiler and Fergus 2014 (ECCV), by facial region and size; own protocol"
    licence = "Apache-2.0"
    # For the conformance kit, which runs every analysis several times.
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"samples": 28, "sizes": [0.3], "places": ["upper", "lower"], "opacities": [0.0, 0.5, 1.0]}
    }

    class Options(PluginOptions):
        """Options of the occluders."""

        samples: int = Field(200, ge=14, description="Held-out images that are covered, classes in turn, whole pairs.")
        sizes: tuple[Share, ...] = Field((0.1, 0.2, 0.3, 0.45), min_length=1, description="Shares of the face's area.")
        places: tuple[Literal["upper", "lower", "eyes", "mouth", "random"], ...] = Field(
            ("upper", "lower", "eyes", "mouth", "random"), min_length=1, description="Where the box lies."
        )
        fill: Literal["grey", "mean", "black"] = Field(
            "grey", description="Colour of the box: mid-grey, the image's mean, or black."
        )
        opacities: tuple[Opacity, ...] = Field(
            (0.0, 0.25, 0.5, 0.75, 1.0), description="Of the mask on the same face; empty list: not asked."
        )

        @field_validator("sizes", "places", "opacities", mode="before")
        @classmethod
        def _listed(cls, value: Any) -> Any:
            """``0.1,0.3`` on the command line."""
            if not isinstance(value, str) or value.strip().startswith("["):
                return value
            return [word.strip() for word in value.split(",") if word.strip()]

        @field_validator("sizes", "places", "opacities")
        @classmethod
        def _in_order(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
            """Each once; numbers ascending, so that curves go one way."""
            once = tuple(dict.fromkeys(value))
            return once if any(isinstance(one, str) for one in once) else tuple(sorted(once))

    def run(self, context: AnalysisContext) -> AnalysisResult:
        """Curves of each run, on a subset of its held-out images that is said.

        Raises:
            InputError: if a run has no held-out predictions, or its models are missing.
        """
        found = [self._of_run(run, context) for run in context.progress(context.runs, "Covering faces")]
        boxes = pd.concat([one.boxes for one in found], ignore_index=True)
        opacity = pd.concat([one.opacity for one in found], ignore_index=True)
        drawn, faces = self._figures(context, found, boxes, opacity)
        return AnalysisResult(
            summary={
                "runs": [_summary(one) for one in found],
                "protocol": "held-out faces by the model of their own fold, repeat 0; boxes lie on the average face, "
                "not on each face's own landmarks; intervals resample groups",
                "estimand": statistics.MODELS,
                "fill": self.options.fill,
                "seed": context.seed,
            },
            tables={"occlusion": boxes, **({} if opacity.empty else {"opacity": opacity})},
            figures=drawn,
            sections=[Section("Occlusion", "\n".join(map(_sentence, found)))],
            faces=faces,
        )

    def _of_run(self, run: RunView, context: AnalysisContext) -> _Found:
        options, data = self.options, subset(run, self.options.samples, context.seed)
        boxes = pd.DataFrame(list(under_boxes(data, options.places, options.sizes, options.fill, context.seed)))
        rows, why = under_opacity(data, options.opacities, context.seed) if options.opacities else ([], "not asked")
        return _Found(data, boxes, pd.DataFrame(rows), why)

    def _figures(
        self, context: AnalysisContext, found: Sequence[_Found], boxes: pd.DataFrame, opacity: pd.DataFrame
    ) -> tuple[dict[str, Figure], dict[str, list[str]]]:
        from msde_robustness.occlusion_figure import boxes_figure, examples_figure, opacity_figure

        data, runs = found[0].data, context.runs
        chance = {
            str(word): majority(one.data, str(word))
            for one in reversed(found)
            for word in one.boxes["condition"].unique()
        }
        note = " ".join(dict.fromkeys(_told(one) for one in found))
        drawn = {"occlusion": boxes_figure(runs, boxes, chance, f"{note} Boxes are {self.options.fill}.")}
        if len(opacity):
            drawn["opacity"] = opacity_figure(runs, opacity, note)
        figure, ids = examples_figure(data, self.options, context.seed, with_opacity=len(found[0].opacity) > 0)
        return {**drawn, "occluders": figure}, {"occluders": ids}


@dataclass(frozen=True)
class _Found:
    """What was found for one run; ``why``: what must be known of the opacities, or why there are none."""

    data: Subset
    boxes: pd.DataFrame
    opacity: pd.DataFrame
    why: str | None


def _told(found: _Found) -> str:
    """The subset and its intervals in words."""
    data = found.data
    what = f"{len(data.rows)} of {data.of} held-out images" + (f" ({len(data.pairs)} pairs)" if len(data.pairs) else "")
    doubt = data.units.doubt
    return (
        f"{what}, balanced over classes, {data.units.count} {data.units.unit}s. Bands: 95% intervals over "
        f"{data.units.unit}s." + (f" {doubt[0].upper()}{doubt[1:]}." if doubt else "")
    )


def _summary(found: _Found) -> dict[str, Any]:
    data = found.data
    return {
        "run": data.run.name,
        "title": data.run.title,
        "synthetic": data.run.synthetic,
        "identity": data.run.identity,
        "n": len(data.rows),
        "left_out_by_subset": data.of - len(data.rows),
        "pairs": len(data.pairs),
        "groups": data.units.count,
        "interval_unit": data.units.unit,
        "interval_note": data.units.doubt,
        "majority_baseline": {word: majority(data, word) for word in found.boxes["condition"].unique()},
        "occlusion": found.boxes.drop(columns="run").to_dict("records"),
        "opacity": [] if found.opacity.empty else found.opacity.drop(columns="run").to_dict("records"),
        "opacity_note": found.why,
        "faces_shown": True,
    }


def _sentence(found: _Found) -> str:
    data, boxes = found.data, found.boxes
    lines = [f"{data.run.name}{' (synthetic faces)' * data.run.synthetic}: {_told(found)}"]
    for word, part in boxes.groupby("condition", sort=False):
        bare, largest = part[part["size"] == 0].iloc[0], part["size"].max()
        lines.append(
            f"{word}: accuracy {_ends(bare, 'accuracy')} with nothing covered (always the most frequent class: "
            f"{majority(data, str(word)):.1%}); a box on {largest:.0%} of the face costs "
            + ", ".join(f"{row['place']} {_ends(row, 'loss')}" for _, row in part[part["size"] == largest].iterrows())
            + "."
        )
    if len(found.opacity):
        steps = [f"{row['opacity']:.0%}: {_ends(row, 'accuracy')}" for _, row in found.opacity.iterrows()]
        lines.append(
            f"Accuracy by the mask's opacity on the same {found.opacity['n'].iloc[0]} faces: {', '.join(steps)}."
        )
    if found.why:
        lines.append(f"Note: {found.why}.")
    return " ".join(lines)


def _ends(row: Any, name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f"{row[name]:.1%}" + ("" if pd.isna(low) else f" [{low:.1%}, {high:.1%}]")
