"""What ``tsne`` and ``umap`` share: everything but how places are found."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from msde_embedding.features import Features, HeldOut, held_out_features
from msde_embedding.maps import COMPONENTS, JOINT, Map, maps_of, shown_folds
from msde_toolkit.interfaces import Analysis, AnalysisContext, PluginOptions, RunView
from msde_toolkit.types import AnalysisResult, Scatter, Section

if TYPE_CHECKING:
    import pandas as pd


class MapOptions(PluginOptions):
    """Options of any map."""

    fold: str = Field(
        "largest",
        description="Whose samples are mapped: largest (the fold with most), a fold's name, or all (folds rotated onto "
        "each other).",
    )
    repeat: int = Field(0, ge=0, description="Repeat of the cross-validation whose models are asked.")
    samples: int = Field(
        2000, ge=20, le=20000, description="Samples a fold at most; above it a balanced subset by seed."
    )
    neighbours: int = Field(
        10, ge=1, le=100, description="Neighbours that vote in feature space, and of trustworthiness."
    )


class Embedding(Analysis):
    """Maps of held-out features."""

    method: ClassVar[str] = ""

    @abstractmethod
    def layout(self, features: Features, seed: int) -> tuple[npt.NDArray[np.float64], dict[str, Any]]:
        """Places ``[n, 2]`` of features ``[n, <= 50]``, and what the map was made with."""

    def run(self, context: AnalysisContext) -> AnalysisResult:
        """Maps of each run, the numbers beside them, and a scatter a run for the report.

        Raises:
            InputError: if a run has no such repeat or fold, no models, or too few samples.
        """
        import pandas as pd

        from msde_embedding.figure import map_figure

        summaries, maps, whiches = [], [], []
        for run in context.progress(context.runs, f"{self.method} of held-out features"):
            data = held_out_features(run, self.options.repeat, self.options.samples, context.seed)
            shown, which = shown_folds(data, self.options.fold)
            of_run = list(maps_of(data, shown, self.layout, self.options.neighbours, context.seed))
            maps.append(of_run)
            whiches.append(which)
            summaries.append(self._summary(run, data, which, of_run))
        flat = [one for of_run in maps for one in of_run]
        names = list(dict.fromkeys(one.name for one in flat))
        note = self._note(maps, whiches, context.seed)
        return AnalysisResult(
            summary={"runs": summaries, "protocol": self._protocol(), "seed": context.seed},
            tables={
                **{f"map_{_file_word(name)}": _points([one for one in flat if one.name == name]) for name in names},
                "quality": pd.DataFrame([_quality_row(one) for one in flat]),
            },
            figures={type(self).__name__.lower(): map_figure(context.runs, maps, self.method, note)},
            sections=[Section(f"{self.method} of held-out features", "\n".join(map(self._sentence, summaries)))],
            views=[self._view(of_run[0], which, context.seed) for of_run, which in zip(maps, whiches, strict=True)],
        )

    def _summary(self, run: RunView, data: HeldOut, which: str, maps: list[Map]) -> dict[str, Any]:
        return {
            "run": run.name,
            "title": run.title,
            "synthetic": run.synthetic,
            "identity": run.identity,
            "repeat": self.options.repeat,
            "mapped": which,
            "samples": len(data.rows),
            "samples_left_out": data.of - len(data.rows),
            "made_with": {one.name: one.made for one in maps},
            "maps": {one.name: one.quality for one in maps},
        }

    def _protocol(self) -> str:
        return (
            "features of held-out samples by their own fold's model; nearest neighbours are of other subjects and the "
            "same fold; silhouettes within folds; means over all samples; intervals resample subjects"
        )

    def _note(self, maps: list[list[Map]], whiches: list[str], seed: int) -> str:
        made = maps[0][0].made
        settings = ", ".join(f"{key} {value}" for key, value in made.items() if key != "library")
        which = whiches[0] if len(set(whiches)) == 1 else "; ".join(whiches)
        return (
            f"{self.method} ({made['library']}, {settings}, seed {seed}) of the first {COMPONENTS} principal "
            f"components of held-out features: {which}. Numbers are of the features themselves, all folds, each sample "
            f"within its fold. kNN: accuracy of the {self.options.neighbours} nearest samples of other subjects "
            f"[95% interval over {maps[0][0].data.units.unit}s]; S: mean silhouette of the classes; T: trustworthiness "
            "of the map." + "".join(f" {doubt[0].upper()}{doubt[1:]}." for doubt in _doubts(maps))
        )

    def _view(self, joint: Map, which: str, seed: int) -> Scatter:
        hover = ["label", "predicted", "condition", "fold"]
        return Scatter(
            title=f"{self.method}: {joint.data.run.title}",
            run=joint.data.run.name,
            table=f"map_{_file_word(joint.name)}",
            x="x",
            y="y",
            colour="label",
            marker="condition",
            hover=[*hover, "subject"] if joint.data.run.synthetic else hover,
            note=f"{self.method} by {joint.made['library']}, seed {seed}; {which}. Axes have no unit.",
        )

    def _sentence(self, summary: dict[str, Any]) -> str:
        lines = [
            f"{summary['run']}{' (synthetic faces)' * summary['synthetic']}: {self.method} of {summary['mapped']}."
        ]
        for name, found in summary["maps"].items():
            if found["knn_accuracy"] is None:
                continue
            note = f" Note: {found['interval_note']}." if found["interval_note"] else ""
            silhouette = "" if found["silhouette"] is None else f", silhouette of the classes {found['silhouette']:.2f}"
            lines.append(
                f"{name}: the nearest samples of other subjects name the class of {found['knn_accuracy']:.1%}"
                f"{_ends(found['knn_accuracy_ci95'])} of {found['n']} samples (always the most frequent: "
                f"{found['majority_baseline']:.1%}){silhouette}.{note}"
            )
        apart = summary["maps"].get(JOINT, {}).get("silhouette_of_conditions")
        if apart is not None:
            lines.append(f"Silhouette of the conditions: {apart:.2f} (0: mixed, 1: apart).")
        return " ".join(lines)


def _doubts(maps: list[list[Map]]) -> list[str]:
    notes = (one.quality["interval_note"] for of_run in maps for one in of_run)
    return list(dict.fromkeys(note for note in notes if note))


def _points(maps: list[Map]) -> pd.DataFrame:
    """A row a sample and run; the subject only of drawn people."""
    import pandas as pd

    parts = []
    for one in maps:
        rows, names = one.data.rows, np.array(one.data.run.classes, dtype=object)
        part = pd.DataFrame(
            {
                "run": one.data.run.name,
                "id": rows["id"],
                "x": one.places[:, 0],
                "y": one.places[:, 1],
                "label": names[rows["label"].to_numpy()],
                "predicted": names[rows["predicted"].to_numpy()],
                "condition": rows["condition"],
                "fold": rows["fold"],
            }
        )
        parts.append(part.assign(subject=rows["subject"]) if one.data.run.synthetic else part)
    return pd.concat(parts, ignore_index=True)


def _quality_row(one: Map) -> dict[str, Any]:
    row: dict[str, Any] = {"run": one.data.run.name, "map": one.name}
    for key, value in one.quality.items():
        if key.endswith("_ci95"):
            row[f"{key}_low"], row[f"{key}_high"] = value or (None, None)
        else:
            row[key] = value
    return {**row, **one.made}


def _ends(interval: tuple[float, float] | None) -> str:
    return f" [{interval[0]:.1%}, {interval[1]:.1%}]" if interval else ""


def _file_word(word: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in word)
