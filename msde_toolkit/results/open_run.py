"""A finished run, opened: what analyses and reports see. Everything comes from the run's folder and its data."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from msde_toolkit.create import create_model
from msde_toolkit.data.faces import Cutting, Recipe
from msde_toolkit.data.image_cache import load_images, squash
from msde_toolkit.data.source import wrap
from msde_toolkit.errors import InputError, MsdeWarning
from msde_toolkit.interfaces import Dataset, Model
from msde_toolkit.results.run_documents import ConfigEntries, ProvenanceEntries, SummaryEntries, entries
from msde_toolkit.results.run_store import RunStore, read_json, read_toml
from msde_toolkit.results.taint import tainted
from msde_toolkit.types import Manifest, load_manifest


class OpenRun:
    """Implements ``interfaces.RunView``.

    Args:
        directory: the run's folder.
        root: where the dataset is now, if it moved since the run.

    Raises:
        InputError: if it is not a run, or not a finished one.
    """

    def __init__(self, directory: Path, root: Path | None = None) -> None:
        self.directory = directory
        self._store = RunStore(directory)
        if not self._store.config.is_file():
            message = f"{directory}: not a run (no config.toml in it). 'msde runs' lists the runs there are."
            raise InputError(message)
        if not self._store.summary.is_file():
            message = f"{directory}: the run is not finished; go on with: msde run --resume {directory}"
            raise InputError(message)
        self.summary: Mapping[str, Any] = read_json(self._store.summary)
        entries(SummaryEntries, self.summary, self._store.summary)
        self._provenance = entries(ProvenanceEntries, read_json(self._store.provenance), self._store.provenance)
        self._config = entries(ConfigEntries, read_toml(self._store.config), self._store.config)
        self._root = self._config.root if root is None else root
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    @property
    def name(self) -> str:
        """The run's id."""
        return str(self.summary["run"])

    @property
    def title(self) -> str:
        """Model, loss and data in words; says where the protocol makes the numbers no evidence, or consent is gone."""
        data = str(self.summary["dataset"])
        if self.summary.get("mask"):
            data = f"{data} with {self.summary['mask']} masks"
        if self.synthetic and data != "synthetic":
            data = f"{data} (synthetic faces)"
        before = self.summary.get("evaluates") or {}
        if "dataset" in before:
            data = f"{before['dataset']} to {data}"
        title = f"{self.summary['model']} + {self.summary['loss']}, {data}"
        title = f"UNSOUND: {title}" if self.summary.get("unsound") else title
        return f"TAINTED: {title}" if self.tainted else title

    @cached_property
    def tainted(self) -> tuple[str, ...]:
        """Who has withdrawn consent since, and how the run saw them; empty where nobody has."""
        return tainted(self.directory)

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self._config.seed

    @property
    def repeats(self) -> int:
        """How many times each fold was trained."""
        return int(self.summary["repeats"])

    @property
    def model_options(self) -> Mapping[str, Any]:
        """Options that the run's models were made with."""
        return self._provenance.options.model

    @property
    def pretraining(self) -> str:
        """What the run's models started from: "none", "imagenet", a file, or a run."""
        return str(self.summary.get("pretraining", "none"))

    @property
    def synthetic(self) -> bool:
        """Whether the data shows no real person."""
        return bool(self.summary["synthetic"])

    @property
    def identity(self) -> str:
        """Whether folds are known to keep people apart: ``independent`` or ``unknown``."""
        return str(self.summary["identity"])

    @property
    def needs_root(self) -> bool:
        """Whether the run's dataset is read from files."""
        return self._config.root is not None

    @cached_property
    def manifest(self) -> Manifest:
        """The run's samples, its root where the data is now."""
        stored = load_manifest(self._store.manifest)
        return replace(stored, root=self._root)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in label order."""
        return self.manifest.classes

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Held-out predictions of all folds and repeats."""
        return self._store.read_predictions(self.summary["folds"], self.summary["repeats"])

    def model_file(self, fold: str, repeat: int = 0) -> Path:
        """That fold's trained weights."""
        return self._store.fold(fold, repeat).model

    def model(self, fold: str, repeat: int = 0) -> Model:
        """That fold's trained model on ``device``, in evaluation mode.

        Raises:
            InputError: if its file is missing or does not fit.
        """
        file = self.model_file(fold, repeat)
        if not file.exists() and (self.summary.get("evaluates") or {}).get("file"):
            message = f"{self.name}: these are the predictions of an outside script; there is no model to look into."
            raise InputError(message)
        name, options = self._provenance.plugins.model.full_name, self._provenance.options.model
        model = create_model(name, classes=len(self.classes), options=options, weights=file)
        return model.to(self.device).eval()

    def images(self, ids: Sequence[str]) -> npt.NDArray[np.uint8]:
        """``[n, S, S, 3]`` as the models were trained and tested on them; a warning where they are others by now."""
        return np.asarray(self._pixels[self.manifest.rows_of(ids)])

    @cached_property
    def _pixels(self) -> npt.NDArray[np.uint8]:
        cached = load_images(self.dataset, self.manifest, self.image_size)
        if cached.sha256 != self._provenance.data.pixels_sha256:
            message = f"{self.name}: the images are no longer those of the run (files were edited, or Pillow differs)."
            warnings.warn(message, MsdeWarning, stacklevel=3)
        return cached.pixels

    @property
    def pixels_sha256(self) -> str | None:
        """Hash of the decoded images that the run was made on; None for a run that did not record it."""
        return self._provenance.data.pixels_sha256

    def mask_regions(self, ids: Sequence[str]) -> list[npt.NDArray[np.uint8] | None]:
        """``[S, S]`` alpha of each sample's mask, None where it is not known."""
        rows = self.manifest.take(self.manifest.rows_of(ids))
        regions = self.dataset.mask_regions(rows)
        return [
            None if region is None else squash(np.repeat(region[..., None], 3, axis=2), self.image_size, sample)[..., 0]
            for region, sample in zip(regions, ids, strict=True)
        ]

    @property
    def image_size(self) -> int:
        """Side of the network's input in pixels."""
        return self._provenance.options.train.image_size

    @cached_property
    def dataset(self) -> Dataset:
        """What reads the images, faces cut as in the run, its mask drawn on."""
        data, faces = self._provenance.plugins.data.full_name, self._provenance.faces
        cutting = None if faces is None else Cutting(Recipe.parse(faces.recipe))
        return wrap(data, self._config.mask, self._provenance.options.mask, self._config.seed, cutting=cutting)


def open_run(directory: Path | str, root: Path | None = None) -> OpenRun:
    """A finished run by its folder. ``root`` says where its dataset is now, if it moved."""
    return OpenRun(Path(directory), root)
