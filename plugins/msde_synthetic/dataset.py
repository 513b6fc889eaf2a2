"""The adapter to the toolkit: dataset ``synthetic``, the default data of every command."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import PIL
from pydantic import Field

from msde_synthetic import GENERATOR_VERSION
from msde_toolkit.interfaces import Dataset, Image, PluginOptions
from msde_toolkit.types import DataError, InputError, Manifest

if TYPE_CHECKING:
    import pandas as pd

STREET_PEOPLE = 1 << 40
"""Added to the seed in the street: whoever is trained in the studio under any usual seed is tested on strangers."""


class SyntheticDataset(Dataset):
    """The synthetic twin of MSD-E: drawn faces, no files.

    A row's ``path`` names the picture's recipe, ``seed0/reshot-128/s017-p05-m``, so that a manifest alone is enough to
    draw it again. Extra columns: ``age`` (years), ``glasses`` and ``mask_kind``. Images that verification removed
    appear only with ``subset=all`` and ``requested``, under the label that was asked for and with ``removed`` set.
    """

    summary = "Procedurally drawn faces with and without masks, in the numbers of MSD-E (no download)"
    reference = "Counts and procedure: Masked Student Dataset of Expressions, Sec. 2 and Table 2"
    licence = "CC0-1.0"
    synthetic: ClassVar[bool] = True
    version: ClassVar[str] = GENERATOR_VERSION
    root_hint: ClassVar[str] = ""
    aligned: ClassVar[bool] = True
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"quick": {"subjects": 84, "size": 64}}

    class Options(PluginOptions):
        """Options of the synthetic twin."""

        seed: int = Field(0, description="Seed of faces, labels and photographs.")
        subjects: int = Field(142, ge=1, le=142, description="How many subjects: the first ones of the full plan.")
        size: int = Field(128, ge=64, le=512, description="Width and height of the images, pixels.")
        pairing: Literal["reshot", "overlay"] = Field(
            "reshot",
            description="reshot: a pair is two photographs; overlay: the same one, with the mask drawn on.",
        )
        domain: Literal["studio", "street"] = Field(
            "studio",
            description="studio: a DSLR and a phone, indoors; street: other people, another camera, light, background.",
        )
        subset: Literal["verified", "all", "requested"] = Field(
            "verified",
            description="verified: the 1,960 images of Table 2; all: 2,014, with those verification removed; "
            "requested: 2,014 in 1,007 pairs under the labels that were asked for, as before verification.",
        )

    def load(self, root: Path | None, options: Options) -> Manifest:
        """List the samples, in the order of ids, which tells nothing about labels.

        Raises:
            InputError: if a root is given; there is nothing to read.
        """
        if root is not None:
            message = "The synthetic dataset is drawn, not read: leave out --root."
            raise InputError(message)
        street = options.domain == "street"
        where = ", street domain" if street else ""
        notes = (
            f"synthetic faces{where}, generator {GENERATOR_VERSION}, seed {options.seed}; no image shows a person",
        )
        name = "synthetic-street" if street else "synthetic"
        return Manifest.from_frame(_table(options).copy(), name, licence=self.licence, synthetic=True, notes=notes)

    def read(self, rows: Manifest) -> list[Image]:
        """Draw these samples, uint8 ``[size, size, 3]`` RGB.

        Raises:
            DataError: a row's path is not one of this generator's.
        """
        return [_drawn(path).image for path in rows.frame["path"]]

    def mask_regions(self, rows: Manifest) -> list[npt.NDArray[np.uint8] | None]:
        """Return the exact region of each mask, uint8 ``[size, size]``; all zero without a mask."""
        return [_drawn(path).mask_alpha for path in rows.frame["path"]]

    def action_units(self, rows: Manifest) -> list[dict[str, float]]:
        """Return each sample's true action units, ``"AU1"`` to ``"AU43"``, 0 to 1."""
        return [_drawn(path).action_units for path in rows.frame["path"]]

    def ballots(self, rows: Manifest) -> pd.DataFrame | None:
        """Return seven raters' simulated votes on these samples; under the paper's rule they give its inventory."""
        import pandas as pd

        from msde_synthetic.ballots import ballots

        seeds = sorted({_recipe(path).people for path in rows.frame["path"]})
        votes = pd.DataFrame([vote for seed in seeds for vote in ballots(seed)], columns=["id", "rater", "label"])
        return votes[votes["id"].isin(set(rows.ids))].reset_index(drop=True)

    def fingerprint(self, rows: Manifest) -> str:
        """Changes when the pixels may have changed: generator, recipes, or Pillow's major version."""
        sha = hashlib.sha256(f"{self.version}:{PIL.__version__.partition('.')[0]}".encode())
        for path in sorted(rows.frame["path"]):
            sha.update(f":{path}".encode())
        return sha.hexdigest()


@lru_cache(maxsize=4)
def _table(options: SyntheticDataset.Options) -> pd.DataFrame:
    """A row each sample; kept, for the runs of a study list the same ones again and again."""
    import pandas as pd

    from msde_synthetic.plan import samples
    from msde_synthetic.render import landmarks

    unverified = options.subset == "requested"
    street = options.domain == "street"
    seed = options.seed + STREET_PEOPLE if street else options.seed
    place = "street-" if street else ""
    rows: list[dict[str, Any]] = []
    for spec in samples(seed, options.subjects, options.subset, options.pairing):
        points = landmarks(spec, seed=seed, size=options.size, domain=options.domain)
        rows.append(
            {
                "id": spec.id,
                "path": f"{place}seed{options.seed}/{options.pairing}-{options.size}/{spec.id}",
                "subject": f"{place}s{spec.subject:03d}",
                "label": spec.requested_label if unverified or spec.label is None else spec.label,
                "condition": spec.condition,
                "pair": spec.pair_key if unverified else spec.pair,
                "requested_label": spec.requested_label,
                "landmarks": [round(float(value), 2) for value in points.ravel()],
                "camera": "passer-by" if street else spec.camera,
                "session": spec.session,
                "consent": "publish",
                "source": "drawn",
                "pairing": options.pairing,
                "age": spec.age,
                "glasses": spec.glasses,
                "mask_kind": spec.mask_kind,
                "removed": spec.label is None,
            }
        )
    return pd.DataFrame(rows)


def _drawn(path: str) -> Any:
    from msde_synthetic.render import render

    recipe = _recipe(path)
    sample = recipe.sample
    spec = _plan(recipe.people).get(sample)
    if spec is None:
        message = f"{path}: the synthetic dataset has no sample {sample!r}."
        raise DataError(message)
    return render(spec, seed=recipe.people, size=recipe.size, pairing=recipe.pairing, domain=recipe.domain)


class _Recipe(NamedTuple):
    domain: str
    people: int
    pairing: str
    size: int
    sample: str


def _recipe(path: str) -> _Recipe:
    """Take a row's path apart."""
    try:
        seed, look, sample = PurePosixPath(path).parts
        pairing, size = look.split("-")
        street = seed.startswith("street-")
        people = int(seed.removeprefix("street-").removeprefix("seed")) + STREET_PEOPLE * street
        return _Recipe("street" if street else "studio", people, pairing, int(size), sample)
    except ValueError as error:
        message = f"{path}: not a path of the synthetic dataset, such as seed0/reshot-128/s017-p05-m."
        raise DataError(message) from error


@lru_cache(maxsize=4)
def _plan(seed: int) -> dict[str, Any]:
    from msde_synthetic.plan import samples

    return {spec.id: spec for spec in samples(seed, subset="all")}
