"""The cases of one run, as a sheet of faces, galleries and rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msde_robustness.cases import AGREED, CONFIDENT, LOST, Opinions, confident_wrong, lost_with_mask
from msde_toolkit import figures
from msde_toolkit.types import Gallery

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from msde_robustness.sheet import Face

LISTED = 200
"""Cases of each kind in the table."""

HEADINGS = {
    CONFIDENT: "Wrong with the highest confidence",
    LOST: "Right without the mask, wrong with it: the label's largest losses of probability",
    AGREED: "Every model answers the same other class: is the label right?",
}


COLUMNS = [
    "run", "kind", "rank", "id", "partner", "condition", "fold", "label", "predicted", "confidence",
    "probability_of_label", "answers",
]  # fmt: skip


class ErrorSheet:
    """The cases of a run: ``agreed`` of its own models, or with ``runs`` above 1 those alone, of several runs."""

    def __init__(self, found: Opinions, agreed: pd.DataFrame, samples: int, *, runs: int = 1) -> None:
        self.found, self.samples, self.runs = found, samples, runs
        self.answers = int(found.table["answers"].max())
        self.paired = runs == 1 and len(found.run.manifest.pairs()) > 0
        rows = {sample: row for row, sample in enumerate(found.table["id"])}
        self.cases: dict[str, Sequence[tuple[int, ...]]] = {AGREED: [(rows[sample],) for sample in agreed["id"]]}
        if runs == 1:
            self.cases = {CONFIDENT: confident_wrong(found), LOST: lost_with_mask(found), **self.cases}

    @property
    def ids(self) -> list[str]:
        """Of all faces on the sheet."""
        rows = {row for kind in self.cases for entry in self.shown(kind) for row in entry}
        return [str(sample) for sample in self.found.table["id"].iloc[sorted(rows)]]

    def shown(self, kind: str) -> Sequence[tuple[int, ...]]:
        """The first cases of a kind."""
        return self.cases[kind][: self.samples // (2 if kind == LOST else 1)]

    def figure(self) -> Figure:
        """The sheet."""
        from msde_robustness.sheet import Part, sheet

        run = self.found.run
        pixels = dict(zip(self.ids, run.images(self.ids), strict=True)) if self.ids else {}
        parts = [
            Part(
                f"{HEADINGS[kind]} ({len(self.cases[kind])})",
                [[self._face(row, pixels) for row in entry] for entry in self.shown(kind)],
                self._empty(kind),
            )
            for kind in self.cases
        ]
        title = run.title if self.runs == 1 else f"Errors that all {self.runs} runs make alike"
        note = (
            "Above each: label, answer; its probability. Held-out faces, each by the models that held it out. These "
            "are chosen for being wrong: they say nothing about how often. In brackets: how many there are."
        )
        return sheet(title, parts, note, synthetic=run.synthetic)

    def galleries(self) -> list[Gallery]:
        """One a kind that has cases."""
        run, table = self.found.run, self.found.table
        return [
            Gallery(
                title=f"{HEADINGS[kind]}: {run.title}",
                run=run.name,
                entries=[[str(table["id"][row]) for row in entry] for entry in self.shown(kind)],
                captions={str(table["id"][row]): self._words(row, ": ") for entry in self.shown(kind) for row in entry},
                note=f"The first {len(self.shown(kind))} of {len(self.cases[kind])}, chosen for being wrong.",
            )
            for kind in self.cases
            if self.cases[kind]
        ]

    def rows(self) -> list[dict[str, Any]]:
        """Of the table ``errors``: the wrong image of each case, its partner beside it."""
        table, names = self.found.table, self.found.run.classes
        rows = []
        for kind, cases in self.cases.items():
            for rank, entry in enumerate(cases[:LISTED], start=1):
                row = table.iloc[entry[-1]]
                rows.append(
                    {
                        "run": self.found.run.name,
                        "kind": kind,
                        "rank": rank,
                        "id": row["id"],
                        "partner": table["id"][entry[0]] if len(entry) > 1 else None,
                        "condition": row["condition"],
                        "fold": row["fold"],
                        "label": names[row["label"]],
                        "predicted": names[row["predicted"]],
                        "confidence": row["confidence"],
                        "probability_of_label": row["of_label"],
                        "answers": row["answers"],
                    }
                )
        return rows

    def _face(self, row: int, pixels: dict[str, Any]) -> Face:
        from msde_robustness.sheet import Face

        image = self.found.table.iloc[row]
        return Face(pixels[str(image["id"])], self._words(row, "\n"), bool(image["predicted"] != image["label"]))

    def _words(self, row: int, between: str) -> str:
        image, names = self.found.table.iloc[row], self.found.run.classes
        condition = figures.condition_title(str(image["condition"])).split(" ")[0]
        verdict = "right" if image["predicted"] == image["label"] else "wrong"
        answer = f"{names[image['label']]} → {names[image['predicted']]}"
        return f"{answer}{between}{condition}, {image['confidence']:.0%}, {verdict}"

    def _empty(self, kind: str) -> str:
        if kind == LOST and not self.paired:
            return "The run holds no complete pairs."
        if kind == AGREED and self.runs == 1 and self.answers < 2:
            return "Each image was answered by one model only: train repeats, or name several runs."
        return "None."
