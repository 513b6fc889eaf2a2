"""The analysis ``cross-dataset``: the paper's Fig. 7 with intervals, and what it does not separate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from msde_crossdataset.cells import FACES, MASKED, NM, TARGET, UNMASKED, Cells, Key, gather
from msde_crossdataset.claims import claims, verdict
from msde_crossdataset.effects import accuracies, effects, share_estimate
from msde_crossdataset.figure import Panel, effects_figure, matrices_figure
from msde_crossdataset.resample import DRAWS, estimate
from msde_crossdataset.roles import Roles, roles
from msde_toolkit import statistics
from msde_toolkit.interfaces import Analysis, AnalysisContext, PluginOptions
from msde_toolkit.types import AnalysisResult, Section

if TYPE_CHECKING:
    import pandas as pd

FORMULA = (
    "mean recall = sum_c recall_c / C (equal priors); at source priors = sum_c p_S(c) recall_c; corrected logits: "
    "argmax_c z_c + log p_T(c) - log p_S(c), p_S the class shares of the training faces and p_T the target's own "
    "(Saerens et al. 2002, known priors: it uses the target's labels, and so bounds what correcting priors can bring)"
)


class CrossDataset(Analysis):
    """Trained on one set of faces, tested on another: matrices, class priors, the paper's claims, domain and mask."""

    summary = "Trained on one dataset, tested on another: Fig. 7 with intervals, domain and mask told apart"
    reference = "Masked Student Dataset of Expressions, Sec. 3.6 and Fig. 7; priors: Saerens et al. 2002"
    licence = "Apache-2.0"
    of_study: ClassVar[bool] = True

    class Options(PluginOptions):
        """Which runs, where there are several of a kind."""

        unmasked: str = Field("", description="Run trained on unmasked faces (default: the only one).")
        masked: str = Field("", description="Run trained on masked faces (default: the only one).")
        target: str = Field("", description="Dataset that was tested on (default: the only one).")

    def run(self, context: AnalysisContext) -> AnalysisResult:
        """Everything, as far as the cells are there; what is missing is named.

        Raises:
            InputError: as ``roles``.
        """
        options = self.options
        wanted = {UNMASKED: options.unmasked, MASKED: options.masked}
        return _Study(roles(context.runs, wanted, options.target), context.seed).result()


@dataclass(frozen=True)
class _Study:
    """The runs of one source and one target, and everything that is said of them."""

    roles: Roles
    seed: int

    @cached_property
    def cells(self) -> Cells:
        return gather(self.roles.sources, self.roles.targets)

    @cached_property
    def synthetic(self) -> bool:
        runs = [*self.roles.sources.values(), *(run for some in self.roles.targets.values() for run in some)]
        return any(run.synthetic for run in runs)

    def result(self) -> AnalysisResult:
        tables = {
            "accuracy": self.accuracy(),
            "matrices": self.matrices(),
            "priors": self.priors(),
            "claims": self.claims(),
            "effects": self.effects(),
        }
        tables = {name: table.assign(synthetic=self.synthetic) for name, table in tables.items()}
        note = self.note()
        figures = {"fig7": matrices_figure(self.panels(), note, synthetic=self.synthetic)}
        if found := list(effects(self.cells)):
            values = [estimate(self.cells, effect.keys, effect.of, seed=self.seed) for effect in found]
            names = [effect.name for effect in found]
            figures["effects"] = effects_figure(names, values, note, synthetic=self.synthetic)
        return AnalysisResult(
            summary={
                "source": self.roles.source,
                "target": self.roles.target,
                "synthetic": self.synthetic,
                "runs": {trained: run.name for trained, run in self.roles.sources.items()},
                "left_aside": dict(self.roles.left),
                "missing": self.missing(),
                "label_and_face_notes": self.told_by_evaluations(),
                "formula": FORMULA,
                "interval": note,
                "claims": tables["claims"].to_dict("records"),
                "effects": tables["effects"].to_dict("records"),
                "accuracy": tables["accuracy"].to_dict("records"),
                "verdict_against_the_paper": "not_comparable" if self.other_data() else "comparable",
            },
            tables=tables,
            figures=figures,
            sections=list(self.sections(tables)),
        )

    def accuracy(self) -> pd.DataFrame:
        """A row a cell."""
        import pandas as pd

        rows = []
        for key, cell in self.cells.cells.items():
            prior = self.cells.source_priors[key[1]]
            plain = estimate(self.cells, (key,), accuracies(key, prior), seed=self.seed)
            row: dict[str, Any] = {**self.named(key), "images": cell.images, "groups": cell.groups}
            for index, name in enumerate(("accuracy", "mean_recall", "at_source_priors")):
                row |= _numbers(name, plain.value[index], plain.interval(index))
            if cell.corrected is not None:
                moved = estimate(self.cells, (key,), accuracies(key, prior), corrected=True, seed=self.seed)
                row |= _numbers("corrected_logits", moved.value[0], moved.interval(0))
            rows.append(row)
        return pd.DataFrame(rows)

    def matrices(self) -> pd.DataFrame:
        """A row a cell of a matrix, of every cell on the target."""
        import pandas as pd

        names = self.cells.classes
        rows = []
        for key, cell in self.cells.cells.items():
            if key[0] == TARGET:
                found = share_estimate(self.cells, key, seed=self.seed)
                for index, count in enumerate(cell.total.ravel()):
                    truth, answer = names[index // len(names)], names[index % len(names)]
                    row = {**self.named(key), "truth": truth, "predicted": answer, "count": int(count)}
                    rows.append(row | _numbers("share", found.value[index], found.interval(index)))
        return pd.DataFrame(rows)

    def priors(self) -> pd.DataFrame:
        """Class shares: of the training faces, of the target."""
        import pandas as pd

        columns = {f"source_{trained}": prior for trained, prior in self.cells.source_priors.items()}
        return pd.DataFrame({"class": self.cells.classes, **columns, "target": self.cells.target_priors})

    def claims(self) -> pd.DataFrame:
        """The paper's sentences in numbers."""
        import pandas as pd

        rows = []
        for claim in claims(self.cells):
            found = estimate(self.cells, (claim.key,), claim.of, seed=self.seed)
            row = {"figure": claim.figure, **self.named(claim.key), "claim": claim.says, "measure": claim.measure}
            row |= _numbers("difference", found.value[0], found.interval())
            rows.append(row | {"here": verdict(found.interval()), "n": self.cells.cells[claim.key].images})
        columns = ["figure", "claim", "measure", "difference", "here"]
        return pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)

    def effects(self) -> pd.DataFrame:
        """Domain against mask."""
        import pandas as pd

        rows = []
        for effect in effects(self.cells):
            found = estimate(self.cells, effect.keys, effect.of, seed=self.seed)
            people = {key[0]: self.cells.cells[key].groups for key in effect.keys}
            row = {"effect": effect.name, "difference_of": effect.says}
            row |= _numbers("difference", found.value[0], found.interval())
            rows.append(row | {f"{where}_groups": count for where, count in people.items()})
        return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["effect", "difference_of", "difference"])

    def panels(self) -> list[Panel]:
        """Fig. 7(a) and (b), as far as they are there."""
        keys: dict[str, Key] = {"(a)": (TARGET, UNMASKED, NM), "(b)": (TARGET, MASKED, self.cells.masked_faces)}
        there = {letter: key for letter, key in keys.items() if key in self.cells.cells}
        if not there:  # only one condition on the target: whatever has been tested
            there = {"": next(key for key in self.cells.cells if key[0] == TARGET)}
        panels = []
        for letter, key in there.items():
            cell = self.cells.cells[key]
            prior = self.cells.source_priors[key[1]]
            found = estimate(self.cells, (key,), accuracies(key, prior), seed=self.seed)
            ends = found.interval(0)
            told = f" [{100 * ends[0]:.1f}, {100 * ends[1]:.1f}]" if ends else ""
            title = (
                f"{letter} trained on {self.roles.source}, {key[1]}\ntested on {self.roles.target}, {FACES[key[2]]}: "
                f"{100 * found.value[0]:.1f} %{told}"
            ).strip()
            sizes = [int(size) for size in cell.total.sum(axis=1) // max(1, self.predictions_an_image(key))]
            matrix = share_estimate(self.cells, key, seed=self.seed)
            panels.append(Panel(title, self.cells.classes, matrix, sizes))
        return panels

    def predictions_an_image(self, key: Key) -> int:
        cell = self.cells.cells[key]
        return int(cell.counts.sum() // cell.images)

    def named(self, key: Key) -> dict[str, str]:
        where, trained, faces = key
        dataset = self.roles.target if where == TARGET else self.roles.source
        return {"trained": trained, "tested_on": where, "dataset": dataset, "faces": FACES[faces]}

    def missing(self) -> list[str]:
        """What the study lacks for the whole picture."""
        wanted = {
            f"{trained} models on the target's {FACES[faces]}": (TARGET, trained, faces)
            for trained in (UNMASKED, MASKED)
            for faces in FACES
        }
        return [name for name, key in wanted.items() if key not in self.cells.cells]

    def told_by_evaluations(self) -> list[str]:
        """Classes that were left out or told otherwise, faces prepared otherwise, cautions: as the evaluations say."""
        runs = [run for some in self.roles.targets.values() for run in some]
        return list(dict.fromkeys(str(note) for run in runs for note in run.summary.get("notes", ())))

    def other_data(self) -> bool:
        return (self.roles.source, self.roles.target) != ("rafdb", "msde")

    def note(self) -> str:
        """What the intervals are of, for every figure."""
        run = next(iter(self.roles.targets.values()))[0]
        groups = max(cell.groups for key, cell in self.cells.cells.items() if key[0] == TARGET)
        unit = "subjects" if run.manifest.has_subjects else "images"
        repeats = min(self.cells.repeats.values())
        about = f"{unit} and {repeats} repeats" if repeats > 1 else f"{unit}; they are about these trained models"
        doubts = "" if run.manifest.has_subjects else " Subjects are unknown: likely too narrow."
        if run.manifest.has_subjects and statistics.few_groups(groups):
            doubts = f" Only {groups} subjects: unreliable."
        if 1 < repeats < 5:
            doubts += f" {repeats} repeats say little of how training varies."
        return (
            f"{groups} {unit} of the target, every fold's model tests all of them. 95 % intervals: bootstrap of "
            f"{about}, {DRAWS} draws, seed {self.seed}.{doubts}"
        )

    def sections(self, tables: Mapping[str, pd.DataFrame]) -> list[Section]:
        """In words."""
        lines = [_sentence(row) for row in tables["accuracy"].to_dict("records")]
        held = [
            f"Fig. {row['figure']}, {row['claim']}: {row['here']} here "
            f"({row['measure']}: {_told(row, 'difference', 'points')})"
            for row in tables["claims"].to_dict("records")
        ]
        apart = [
            f"{row['effect']}: {_told(row, 'difference', 'points')} ({row['difference_of']})"
            for row in tables["effects"].to_dict("records")
        ]
        drawn = "Drawn faces only: nothing here is about people.\n" if self.synthetic else ""
        lacking = f"\nNot there: {'; '.join(missing)}." if (missing := self.missing()) else ""
        head = f"{drawn}{self.note()}\n"
        return [
            Section(f"{self.roles.source} to {self.roles.target}", head + "\n".join(lines) + f"\n{FORMULA}{lacking}"),
            Section("What the paper says of Fig. 7", "\n".join(held) or "The classes do not have the paper's names."),
            Section("Domain against mask (exploratory)", "\n".join(apart) or "The cells for a difference are missing."),
            Section("Labels and faces", "\n".join(self.told_by_evaluations())),
        ]


def _numbers(name: str, value: Any, ends: list[float] | None) -> dict[str, Any]:
    low, high = ends or (None, None)
    return {name: float(value), f"{name}_low": low, f"{name}_high": high}


def _sentence(row: Mapping[Any, Any]) -> str:
    kinds = {"accuracy": "accuracy", "mean_recall": "mean recall", "corrected_logits": "corrected logits"}
    told = [f"{kinds[name]} {_told(row, name)}" for name in kinds if name in row and np.isfinite(row[name])]
    return f"{row['trained']} models on {row['dataset']}, {row['faces']}: {', '.join(told)}"


def _told(row: Mapping[Any, Any], name: str, unit: str = "%") -> str:
    """Percent, or points of percent, with the interval."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    ends = "" if low is None or not np.isfinite(low) else f" [{100 * low:.1f}, {100 * high:.1f}]"
    return f"{100 * row[name]:.1f} {unit}{ends}"
