"""The adapter: a manifest from which every picture can be drawn again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from msde_synthetic.dataset import SyntheticDataset
from msde_synthetic.plan import samples
from msde_synthetic.render import render
from msde_toolkit.types import CLASSES, DataError, InputError


def load(**options: object):
    dataset = SyntheticDataset()
    return dataset, dataset.load(None, dataset.Options(**options))


def test_default_manifest_is_the_verified_set() -> None:
    _, manifest = load()
    assert len(manifest) == 1960
    assert len(manifest.pairs()) == 857
    assert manifest.synthetic
    assert manifest.classes == CLASSES
    assert manifest.has_subjects
    assert manifest.conditions == ("nm", "m")
    assert not manifest.frame["removed"].any()


def test_read_draws_the_samples() -> None:
    dataset, manifest = load(subjects=2, size=64, pairing="overlay", seed=5)
    some = manifest.take([0, 3, 7])
    specs = {spec.id: spec for spec in samples(5, 2, pairing="overlay")}
    expected = [render(specs[name], seed=5, size=64, pairing="overlay") for name in some.ids]
    for image, region, points, truth in zip(
        dataset.read(some), dataset.mask_regions(some), some.frame["landmarks"], expected, strict=True
    ):
        assert np.array_equal(image, truth.image)
        assert np.array_equal(region, truth.mask_alpha)
        assert np.allclose(np.reshape(points, (68, 2)), truth.landmarks, atol=0.006)
    assert dataset.action_units(some) == [truth.action_units for truth in expected]


def test_all_marks_what_was_removed() -> None:
    _, manifest = load(subset="all")
    assert len(manifest) == 2014
    removed = manifest.frame[manifest.frame["removed"]]
    assert len(removed) == 54
    assert (removed["label"] == removed["requested_label"]).all()
    assert removed["pair"].isna().all()


def test_paths_name_the_recipe_and_not_the_label() -> None:
    _, manifest = load(subjects=1, size=96, seed=3)
    for name, path in zip(manifest.ids, manifest.frame["path"], strict=True):
        assert path == f"seed3/reshot-96/{name}"


def test_fingerprint_follows_the_recipe() -> None:
    dataset, small = load(subjects=2, size=64)
    _, large = load(subjects=2, size=96)
    assert dataset.fingerprint(small) == dataset.fingerprint(small)
    assert dataset.fingerprint(small) != dataset.fingerprint(large)


def test_errors_say_what_is_wrong(tmp_path: Path) -> None:
    dataset, manifest = load(subjects=1, size=64)
    with pytest.raises(InputError, match="--root"):
        dataset.load(tmp_path, dataset.Options())
    frame = manifest.frame.assign(path="photos/1.png")
    with pytest.raises(DataError, match=r"photos/1\.png"):
        dataset.read(type(manifest).from_frame(frame, "x").take([0]))
    for bad in (
        {"subjects": 0},
        {"subjects": 143},
        {"size": 63},
        {"size": 513},
        {"pairing": "x"},
        {"subset": "x"},
        {"sise": 64},
    ):
        with pytest.raises(ValidationError):
            dataset.Options(**bad)


def test_the_generator_imports_nothing_heavy() -> None:
    code = (
        "import sys, msde_synthetic.render, msde_synthetic.plan; print(sorted({m.split('.')[0] for m in sys.modules}))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("torch", "pandas", "scipy", "cv2", "matplotlib", "pydantic", "msde_toolkit"):
        assert f"'{heavy}'" not in loaded


def test_the_street_shows_other_people_and_leaves_the_studio_as_it_was() -> None:
    dataset, studio = load(subjects=2, size=64)
    _, street = load(subjects=2, size=64, domain="street")
    assert street.name == "synthetic-street"
    assert not set(street.frame["subject"]) & set(studio.frame["subject"])
    assert set(street.frame["camera"]) == {"passer-by"}
    assert any("street domain" in note for note in street.notes)
    one = street.take([0])
    assert one.frame["path"][0].startswith("street-seed0/reshot-64/")
    (image,) = dataset.read(one)
    assert np.array_equal(image, dataset.read(one)[0])
    assert not np.array_equal(image, dataset.read(studio.take([0]))[0])
    assert dataset.fingerprint(one) != dataset.fingerprint(studio.take([0]))
    _, other_seed = load(subjects=2, size=64, domain="street", seed=1)
    assert not np.array_equal(image, dataset.read(other_seed.take([0]))[0])


def test_street_faces_wear_their_masks_where_the_region_says() -> None:
    dataset, street = load(subjects=3, size=64, domain="street", pairing="overlay")
    pair = street.pairs().iloc[0]
    rows = street.take([pair["nm"], pair["m"]])
    bare, masked = dataset.read(rows)
    region = dataset.mask_regions(rows)[1]
    assert 0.05 < (region > 0).mean() < 0.5
    assert np.array_equal(bare[region == 0], masked[region == 0])
    assert np.abs(bare[region > 250].astype(int) - masked[region > 250]).mean() > 10
