"""The analysis ``gradcam``: where held-out images are looked at, by the model of the fold that held them out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, field_validator

from msde_gradcam.telling import chosen_in_words, headings, run_sentence, run_summary
from msde_toolkit.cams import METHODS
from msde_toolkit.held_out import held_out
from msde_toolkit.interfaces import Analysis, AnalysisContext, PluginOptions, RunView
from msde_toolkit.types import AnalysisResult, Gallery, Section

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from msde_gradcam.explain import Explained
    from msde_gradcam.selection import Shown


class GradCam(Analysis):
    """Class-activation maps of pairs, and how much of them lies on the mask."""

    summary = "Grad-CAM of held-out images, unmasked and masked side by side, and how much of it lies on the mask"
    reference = "Selvaraju et al. 2017 (ICCV); MSD-E paper, Fig. 6; computed with the grad-cam package"
    licence = "Apache-2.0"
    in_report = True

    class Options(PluginOptions):
        """Options of the maps."""

        samples: int = Field(14, ge=1, le=200, description="Pairs (or single images) shown, balanced over classes.")
        measured: int = Field(
            150, ge=0, description="Pairs (or images) whose mask energy is measured, subjects in turn; 0: all."
        )
        target: Literal["predicted", "label"] = Field("predicted", description="The class that a map explains.")
        layer: str = Field("", description="Name of one of the model's CAM layers; empty: its first.")
        method: str = Field("gradcam", description=f"{', '.join(METHODS)}; after a comma, more to measure.")
        region: Literal["auto", "mask", "guess"] = Field(
            "auto", description="Measured on: the mask (auto: guessed where unknown), or the average face's lower half."
        )
        random_weights: bool = Field(True, description="Also measure networks with random weights, as a control.")
        road: int = Field(0, ge=0, description="Pairs (or images) on which ROAD asks whether maps are faithful.")
        batch_size: int = Field(16, ge=1, description="Images explained at a time (SCAN at 224 px: 0.1 GB each).")

        @field_validator("method")
        @classmethod
        def _known(cls, method: str) -> str:
            names = [word.strip() for word in method.split(",")]
            unknown = [name for name in names if name not in METHODS]
            if unknown or len(set(names)) < len(names):
                message = (
                    f"{unknown[0]!r} is none of {', '.join(METHODS)}" if unknown else "a method stands there twice"
                )
                raise ValueError(message)
            return ",".join(names)

        @property
        def methods(self) -> tuple[str, ...]:
            """The method that is drawn, then those that are only measured."""
            return tuple(self.method.split(","))

    def run(self, context: AnalysisContext) -> AnalysisResult:
        """Raw maps, the mask's share of them with controls, and figures; of the first repeat of each run.

        Raises:
            InputError: if a run has no held-out predictions, or its model has no such layer.
            PluginError: if the model's layer cannot be explained.
        """
        import pandas as pd

        done = [self._of_run(run, context) for run in context.runs]
        energies = pd.concat([one.energies for one in done], ignore_index=True)
        road = pd.concat([one.road for one in done], ignore_index=True)
        drawn, faces = self._figures(done, energies, context)
        several = len(done) > 1
        arrays = {f"maps{_suffix(one.run, several)}": _arrays(one.explained) for one in done}
        return AnalysisResult(
            summary={"runs": [one.summary for one in done]},
            tables={
                "samples": pd.concat([one.samples for one in done], ignore_index=True),
                "mask_energy": energies,
                **({} if road.empty else {"faithfulness": road}),
            },
            figures=drawn,
            arrays=arrays,
            sections=[Section("Grad-CAM", "\n".join(run_sentence(one.summary) for one in done))],
            views=[
                self._gallery(one, name, group) for one, name in zip(done, arrays, strict=True) for group in one.shown
            ],
            faces=faces,
        )

    def _of_run(self, run: RunView, context: AnalysisContext) -> _Done:
        import pandas as pd

        from msde_gradcam.energy import energy_table, guess_error, measure
        from msde_gradcam.explain import Wanted, explain
        from msde_gradcam.faithfulness import road, road_table
        from msde_gradcam.regions import regions_of
        from msde_gradcam.selection import choose, measured

        options = self.options
        rows, groups = held_out(run), dict(zip(run.manifest.ids, map(str, run.manifest.groups()), strict=True))
        shown = choose(rows, options.samples, context.seed)
        of_energy = set(measured(rows, groups, options.measured, context.seed))
        of_road = measured(rows, groups, options.road, context.seed) if options.road else []
        on_show = {sample for group in shown for sample in group.ids}
        wanted = Wanted(options.target, options.layer, options.methods, options.batch_size, options.random_weights)
        explained = explain(run, rows[rows["id"].isin(on_show | of_energy | set(of_road))], wanted, context)
        regions = regions_of(run, explained.table, explained.side, options.region)
        measures = measure(explained, regions)
        energies = energy_table(measures[measures["id"].isin(of_energy)], run, context.seed)
        faithful = road_table(road(run, explained, of_road, context), run, context.seed) if of_road else pd.DataFrame()
        samples = _samples(run, explained, measures, on_show, of_energy)
        error = guess_error(explained, regions)
        summary = run_summary(run, shown, explained, samples, energies, faithful, error, options, context.seed)
        return _Done(run, shown, explained, samples, energies, faithful, summary)

    def _figures(
        self, done: Sequence[_Done], energies: pd.DataFrame, context: AnalysisContext
    ) -> tuple[dict[str, Figure], dict[str, list[str]]]:
        """Figures by name, and who is in those that show faces."""
        from msde_gradcam.lift_figure import lift_figure
        from msde_gradcam.runs_figure import column_titles

        drawn: dict[str, Figure] = {}
        faces: dict[str, list[str]] = {}
        for one in done:
            for group in one.shown:
                condition = f"_{_file_word(group.conditions[0])}" if len(one.shown) > 1 else ""
                name = f"gradcam{_suffix(one.run, len(done) > 1)}{condition}"
                drawn[name], faces[name] = self._figure(one, group, context.seed), group.ids
        words = [[str(one.run.summary.get(key) or "") for one in done] for key in ("model", "loss")]
        titles = column_titles(words[0], words[1], [one.run.name for one in done])
        shown = done[0].shown
        if len(done) > 1 and all(
            one.shown == shown and one.run.manifest.name == done[0].run.manifest.name for one in done
        ):
            for group in shown:
                name = "gradcam_runs" + (f"_{_file_word(group.conditions[0])}" if len(shown) > 1 else "")
                drawn[name], faces[name] = self._side_by_side(done, titles, group, context.seed), group.ids
        synthetic = any(one.run.synthetic for one in done)
        figure = lift_figure(energies, titles, _lift_note(done, titles), synthetic=synthetic) if len(energies) else None
        return {**drawn, **({} if figure is None else {"mask_energy": figure})}, faces

    def _figure(self, one: _Done, group: Shown, seed: int) -> Figure:
        from msde_gradcam.figure import Panels, gradcam_figure

        panels = Panels(
            title=one.run.title,
            note=f"Above each: true class → predicted class. {self._note(group, [one.explained.layer], seed)}",
            method=METHODS[self.options.methods[0]],
            synthetic=one.run.synthetic,
            headings=headings(one.explained, one.run.classes),
            wrong=one.wrong,
            maps=one.maps,
            images=dict(zip(group.ids, one.run.images(group.ids), strict=True)),
        )
        return gradcam_figure(group, panels)

    def _side_by_side(self, done: Sequence[_Done], titles: Sequence[str], group: Shown, seed: int) -> Figure:
        from msde_gradcam.runs_figure import Column, Faces, runs_figure

        first, named = done[0], zip(titles, done, strict=True)
        rows = " Above: unmasked; below: masked." if group.paired else ""
        columns = [Column(title, one.maps, one.words("predicted"), one.wrong) for title, one in named]
        layers = list(dict.fromkeys(one.explained.layer for one in done))
        faces = Faces(
            images=dict(zip(group.ids, first.run.images(group.ids), strict=True)),
            labels=first.words("label"),
            note=f"Bold: true class; above each map: predicted class.{rows} "
            f"{self._note(group, layers, seed)}\n{_runs_in_words(done, titles)}",
            method=METHODS[self.options.methods[0]],
            synthetic=any(one.run.synthetic for one in done),
        )
        return runs_figure(group, faces, columns)

    def _note(self, shown: Shown, layers: Sequence[str], seed: int) -> str:
        target = "predicted class" if self.options.target == "predicted" else "true class"
        missing = "" if shown.paired else " The run holds no complete pairs."
        return (
            f"Dashed: a wrong answer. Maps explain the {target} at layer {' or '.join(map(repr, layers))}, by the "
            f"model of the fold that held the face out. {chosen_in_words(shown, seed)}{missing}"
        )

    def _gallery(self, one: _Done, arrays: str, group: Shown) -> Gallery:
        told = headings(one.explained, one.run.classes)
        return Gallery(
            title=f"{METHODS[self.options.methods[0]]}: {one.run.title}",
            run=one.run.name,
            entries=group.entries,
            captions={sample: told[sample] for sample in group.ids},
            maps=arrays,
            note=one.summary["chosen"],
        )


@dataclass(frozen=True)
class _Done:
    """What was found for one run."""

    run: RunView
    shown: list[Shown]
    explained: Explained
    samples: pd.DataFrame
    energies: pd.DataFrame
    road: pd.DataFrame
    summary: dict[str, Any]

    @property
    def maps(self) -> dict[str, Any]:
        """The map drawn of each id."""
        return dict(zip(self.explained.table["id"], next(iter(self.explained.maps.values())), strict=True))

    @property
    def wrong(self) -> set[str]:
        """Ids of wrong answers."""
        table = self.explained.table
        return set(table.loc[table["label"] != table["predicted"], "id"])

    def words(self, column: str) -> dict[str, str]:
        """Id to class name."""
        table = self.explained.table
        return {sample: self.run.classes[index] for sample, index in zip(table["id"], table[column], strict=True)}


def _samples(
    run: RunView, explained: Explained, measures: pd.DataFrame, on_show: set[str], of_energy: set[str]
) -> pd.DataFrame:
    """A row a map, with the energy of the drawn method."""
    from msde_gradcam.energy import TRAINED

    first = next(iter(explained.maps))
    own = measures[
        (measures["border"] == "exact") & (measures["weights"] == TRAINED) & (measures["method"] == first)
    ].set_index("id")
    columns = {"mask_energy": "energy", "mask_area": "area", "mask_lift": "lift", "region": "region"}
    table = explained.table
    found = {name: own[column].loc[table["id"]].to_numpy() for name, column in columns.items()}
    flags = {"shown": table["id"].isin(on_show), "measured": table["id"].isin(of_energy)}
    return table.assign(**found, run=run.name, **flags)


def _arrays(explained: Explained) -> dict[str, Any]:
    """Without pickled objects, so that ``numpy.load`` opens it as it is."""
    table = explained.table
    words = {"ids": "id", "fold": "fold", "condition": "condition"}
    named = {key: np.array(table[column].astype(str), dtype=np.str_) for key, column in words.items()}
    numbers = {key: table[key].to_numpy(dtype=np.int64) for key in ("label", "predicted", "target")}
    return {**named, **numbers, "maps": next(iter(explained.maps.values()))}


def _lift_note(done: Sequence[_Done], titles: Sequence[str]) -> str:
    guessed = any(one.summary["region"] != "mask" for one in done)
    where = "Region guessed from the average face where no mask is known. " if guessed else ""
    units = " or ".join(sorted({"subjects" if one.run.manifest.has_subjects else "samples" for one in done}))
    counts = " or ".join(sorted({one.summary["measured_in_words"] for one in done}))
    return (
        f"Mean lift of {counts} with 95 % intervals over {units}; unmasked images on the region of their "
        f"masked partner. {where}Grey: the same network with random weights.\n{_runs_in_words(done, titles)}"
    )


def _runs_in_words(done: Sequence[_Done], titles: Sequence[str]) -> str:
    pairs = zip(titles, done, strict=True)
    return "\n".join(f"{' '.join(title.split())}: {one.run.title} ({one.run.name})." for title, one in pairs)


def _suffix(run: RunView, several: bool) -> str:
    return f"_{_file_word(run.name)}" if several else ""


def _file_word(word: str) -> str:
    return re.sub(r"[^\w-]+", "_", word)
