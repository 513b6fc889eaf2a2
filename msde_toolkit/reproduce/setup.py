"""On which data, and how thoroughly, the paper is gone through: the studies that its tables and figures need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msde_toolkit.engine.study.definition import MethodSpec, Study
from msde_toolkit.errors import InputError
from msde_toolkit.options import nearest
from msde_toolkit.registry import Registry
from msde_toolkit.reproduce.published import published
from msde_toolkit.results.study_files import StudyFolder

THE_PAPERS = "msde"
"""The dataset that the paper's numbers are of. Beside any other, theirs and ours are not comparable."""
DRAWN = "synthetic"
RUNS = Path("runs")


@dataclass(frozen=True)
class Setup:
    """What is the same for every table and figure.

    Attributes:
        data: dataset.
        root: where it is.
        mask: drawn on every face, for a set without masks.
        preset: quick or paper.
        profile: paper or code.
        repeats: how often every fold is trained.
        folds: number of folds; None for the preset's, or the dataset's own split.
        seed: of everything random.
        weights: what models start from, by model; ``""`` for those not named.
        settings: further options by role: data, mask, train.
        source: for Fig. 7, a dataset to train on, and where it is; None for the drawn one, if ``data`` is drawn.
        source_mask: drawn on the source's faces.
        device: as for a run.
        precision: as for a run.
        out: the folder; None for ``runs/reproduce-<data>-<preset>``.
    """

    data: str = DRAWN
    root: Path | None = None
    mask: str | None = None
    preset: str = "quick"
    profile: str = "paper"
    repeats: int = 1
    folds: int | None = None
    seed: int = 0
    weights: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    source: tuple[str, Path | None] | None = None
    source_mask: str | None = "surgical"
    device: str = "auto"
    precision: str = "auto"
    out: Path | None = None

    @property
    def directory(self) -> Path:
        """Where everything goes."""
        name = "-".join(word for word in ("reproduce", *self.data.split("/"), self.mask, self.preset) if word)
        return RUNS / name if self.out is None else self.out

    @property
    def main(self) -> StudyFolder:
        """The study of all methods on the one dataset."""
        return StudyFolder(self.directory / "study")

    @property
    def across(self) -> StudyFolder:
        """The study from one dataset to another."""
        return StudyFolder(self.directory / "cross-dataset")

    @property
    def can_cross(self) -> bool:
        """Whether there is a dataset to come from."""
        return self.source is not None or self.data == DRAWN

    def study(self) -> Study:
        """All the paper's methods on one dataset; Table 5's comparisons are its declared family.

        Raises:
            InputError: something does not fit; or weights for a model that no method has.
        """
        used = {spec.model for spec in published().methods}
        for name in self.weights:
            if name and name not in used:
                message = f"--weights {name}=...: no method of the paper has that model. {nearest(name, sorted(used))}"
                raise InputError(message)
        return Study.create(
            name="reproduce",
            data={
                "name": self.data,
                "root": self.root,
                "mask": self.mask,
                "set_data": self._set("data"),
                "set_mask": self._set("mask"),
            },
            method=[self._method(spec) for spec in published().methods],
            primary={"baseline": "baseline", "methods": ["cl", "kd", "scan", "ran"]},
            **self._shared(),
        )

    def cross_study(self) -> Study:
        """Sec. 3.6: ResNet-18 trained on another dataset, unmasked and with drawn masks, tested on this one.

        Raises:
            InputError: without a dataset to come from; or something does not fit.
        """
        if not self.can_cross:
            message = f"fig7 trains on another dataset and tests on {self.data}: name it with --source rafdb=FOLDER."
            raise InputError(message)
        target: dict[str, Any] = {"data": self.data, "root": self.root, "mask": self.mask}
        target |= {"set_data": self._set("data"), "set_mask": self._set("mask")}
        if self.source is None:
            data: dict[str, Any] = {"name": DRAWN, "set_data": {**self._set("data"), "pairing": "overlay"}}
            target["set_data"] = {**target["set_data"], "domain": "street"}
        else:
            name, root = self.source
            data = {"name": name, "root": root, "mask": self.source_mask}
        methods = [
            MethodSpec(name=name, model="resnet18", loss="ce", train_on=condition)
            for name, condition in (("unmasked", "nm"), ("masked", "m"))
        ]
        return Study.create(
            name="cross-dataset",
            data=data,
            method=[self._method(spec) for spec in methods],
            target=[{"name": "target", **target}],
            **self._shared(),
        )

    def _method(self, spec: MethodSpec) -> dict[str, Any]:
        weights = self.weights.get(spec.model, self.weights.get("", "none"))
        return {**spec.model_dump(), "profile": self.profile, "weights": weights}

    def _shared(self) -> dict[str, Any]:
        return {
            "preset": self.preset,
            "repeats": self.repeats,
            "folds": self.folds,
            "seed": self.seed,
            "device": self.device,
            "precision": self.precision,
            "set_train": self._set("train"),
        }

    def _set(self, role: str) -> Mapping[str, Any]:
        return self.settings.get(role, {})


def check_datasets(names: tuple[str, ...]) -> None:
    """Datasets are named before anything is trained.

    Raises:
        PluginError: no such dataset.
    """
    for name in names:
        Registry("datasets").info(name)
