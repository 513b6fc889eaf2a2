import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from msde_toolkit.create import create_dataset, create_masker, parse_options
from msde_toolkit.data.masking import MaskedDataset
from msde_toolkit.errors import DataError, InputError, PluginError
from msde_toolkit.interfaces import Dataset, Masker, PluginOptions
from msde_toolkit.landmarks import canonical_landmarks
from msde_toolkit.types import Manifest

SHARED = Path(os.environ.get("MSDE_SHARED", Path(__file__).parents[2].parent / "shared")) / "data"


class Folder(Dataset):
    """The PNGs of a folder, whose landmarks and conditions the test decides."""

    version = "7"
    licence = "CC0-1.0"
    synthetic = True

    def load(self, root, options):
        files = sorted(root.glob("*.png"))
        frame = pd.DataFrame({"id": [file.stem for file in files], "path": [file.name for file in files]})
        frame["label"] = range(len(files))
        frame["subject"] = [f"p{k // 2}" for k in range(len(files))]
        frame["split"] = ["train", "test", "train"]
        frame["weight"] = [0.5, 1.0, 2.0]
        frame["glasses"] = [True, False, True]
        return Manifest.from_frame(frame, "folder", root=root, licence=self.licence, synthetic=True, notes=("a note",))


class Unaligned(Folder):
    aligned = False


class WithLandmarks(Unaligned):
    def load(self, root, options):
        plain = super().load(root, options)
        points = [list(np.add(canonical_landmarks(40, 40), [0, 3 * k]).ravel()) for k in range(len(plain))]
        return Manifest.from_frame(plain.frame.assign(landmarks=points), "folder", root=root)


class BelowTheNose(Masker):
    class Options(PluginOptions):
        depth: int = 4

    def apply(self, image, landmarks, rng):
        alpha = np.zeros(image.shape[:2], np.uint8)
        alpha[int(landmarks[30, 1]) :][: self.options.depth] = 255
        masked = image.copy()
        masked[alpha > 0] = rng.integers(0, 256, 3, dtype=np.uint8)
        return masked, alpha


class WrongShape(BelowTheNose):
    def apply(self, image, landmarks, rng):
        return image[:-1], image[..., 0]


@pytest.fixture
def root(tmp_path):
    for k, name in enumerate("abc"):
        pixels = np.random.default_rng(k).integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Pillow.fromarray(pixels).save(tmp_path / f"{name}.png")
    return tmp_path


def wrapped(base=None, masker=None, name="nose", seed=0):
    return MaskedDataset(base or Folder(), masker or BelowTheNose(BelowTheNose.Options()), name, seed)


def load(dataset, root):
    return dataset.load(root, dataset.Options())


def test_each_sample_gets_a_masked_partner(root):
    manifest = load(wrapped(), root)
    frame = manifest.frame
    assert manifest.ids == ("a", "a-nose", "b", "b-nose", "c", "c-nose")
    assert list(frame["condition"]) == ["nm", "m"] * 3
    assert list(frame["pair"]) == ["a", "a", "b", "b", "c", "c"]
    assert set(frame["pairing"]) == {"overlay"}
    for column in ("path", "label", "subject", "split", "weight", "glasses", "dataset"):
        assert list(frame[column][::2]) == list(frame[column][1::2])
    assert len(manifest.pairs()) == 3
    assert manifest.notes[:2] == ("a note", "masks are drawn on the photos (nose)")
    assert manifest.notes[2].startswith("3 masks placed by the average face")
    assert not any("average face" in note for note in load(wrapped(WithLandmarks()), root).notes)
    assert (manifest.name, manifest.licence, manifest.synthetic) == ("folder", "CC0-1.0", True)


def test_masks_are_drawn_on_the_same_photo(root):
    dataset = wrapped()
    manifest = load(dataset, root)
    images, regions = dataset.read(manifest), dataset.mask_regions(manifest)
    plain = Folder().read(Folder().load(root, None))
    for k in range(3):
        bare, masked, alpha = images[2 * k], images[2 * k + 1], regions[2 * k + 1]
        assert np.array_equal(bare, plain[k])
        assert regions[2 * k] is None
        assert list(np.flatnonzero(alpha[:, 0])) == [23, 24, 25, 26]
        assert np.array_equal(masked[alpha == 0], bare[alpha == 0])
        assert (masked[alpha > 0] == masked[23, 0]).all()
        assert not np.array_equal(masked, bare)


def test_a_mask_depends_on_seed_name_and_sample_alone(root):
    dataset = wrapped()
    manifest = load(dataset, root)
    whole = dataset.read(manifest)
    order = [5, 1, 4, 1, 0]
    for row, image in zip(order, dataset.read(manifest.take(order)), strict=True):
        assert np.array_equal(image, whole[row])
    assert not np.array_equal(whole[1][23], whole[3][23])
    assert not np.array_equal(wrapped(seed=1).read(manifest)[1], whole[1])
    renamed = wrapped(name="other")
    assert not np.array_equal(renamed.read(load(renamed, root))[1], whole[1])


def test_landmarks_of_the_manifest_win_over_the_canonical_ones(root):
    dataset = wrapped(WithLandmarks())
    regions = dataset.mask_regions(load(dataset, root))
    assert [int(np.flatnonzero(alpha[:, 0])[0]) for alpha in regions[1::2]] == [23, 26, 29]


def test_faces_that_cannot_be_masked_are_refused(root):
    with pytest.raises(InputError, match="not aligned and 3 of 3 have no landmarks"):
        load(wrapped(Unaligned()), root)
    dataset = wrapped(WithLandmarks())
    manifest = load(dataset, root)
    short = Manifest.from_frame(manifest.frame.assign(landmarks=[[1.0, 2.0]] * 6), "folder", root=root)
    with pytest.raises(DataError, match="sample a cannot be masked: it has 2 landmark numbers, expected 136"):
        dataset.read(short)
    none = Manifest.from_frame(manifest.frame.assign(landmarks=None), "folder", root=root)
    with pytest.raises(DataError, match="sample a cannot be masked: it has no landmarks"):
        dataset.read(none)


def test_masked_sets_are_not_masked_again():
    dataset = wrapped(create_dataset("synthetic"))
    with pytest.raises(InputError, match="already has masked images; --mask is for unmasked sets"):
        load(dataset, None)


def test_an_id_that_is_already_taken_is_an_error(root):
    (root / "a.png").rename(root / "b-nose.png")
    with pytest.raises(DataError, match="'b-nose' occurs a second time"):
        load(wrapped(), root)


def test_a_masker_that_breaks_its_contract_is_named(root):
    dataset = wrapped(masker=WrongShape(BelowTheNose.Options()))
    with pytest.raises(PluginError, match=r"masker 'nose' must return uint8 \[40, 40, 3\]"):
        dataset.read(load(dataset, root))


def test_it_declares_what_the_base_declares():
    dataset = wrapped(Unaligned())
    assert (dataset.synthetic, dataset.version, dataset.aligned, dataset.licence) == (True, "7", False, "CC0-1.0")
    assert dataset.Options is Unaligned.Options


def test_the_fingerprint_follows_base_and_masker(root):
    manifest = load(wrapped(), root)
    newer = BelowTheNose(BelowTheNose.Options())
    newer.version = "2"
    namesake = type("BelowTheNose", (BelowTheNose,), {"__module__": "another_distribution"})
    prints = [
        dataset.fingerprint(manifest)
        for dataset in (
            wrapped(),
            wrapped(seed=1),
            wrapped(name="other"),
            wrapped(masker=BelowTheNose(BelowTheNose.Options(depth=5))),
            wrapped(masker=WrongShape(BelowTheNose.Options())),
            wrapped(masker=newer),
            wrapped(masker=namesake(BelowTheNose.Options())),
            wrapped(Unaligned()),
        )
    ]
    assert len(set(prints)) == len(prints)
    assert wrapped().fingerprint(manifest) == prints[0]
    Pillow.new("RGB", (9, 9)).save(root / "b.png")
    assert wrapped().fingerprint(manifest) != prints[0]


def test_the_default_fingerprint_looks_at_files_whose_names_hold_a_number_sign(root):
    (root / "a.png").rename(root / "a#face.png")
    manifest = Folder().load(root, None)
    before = Folder().fingerprint(manifest)
    Pillow.new("RGB", (9, 9)).save(root / "a#face.png")
    assert Folder().fingerprint(manifest) != before


def test_it_travels_to_other_processes(root):
    dataset, manifest = pickle.loads(pickle.dumps((wrapped(), load(wrapped(), root))))
    assert np.array_equal(dataset.read(manifest)[3], wrapped().read(manifest)[3])
    assert dataset.version == "7"


@pytest.mark.skipif(not SHARED.is_dir(), reason="no real faces: set MSDE_SHARED to the folder with data/")
def test_surgical_masks_on_real_faces():
    base = create_dataset("fer2013")
    dataset = MaskedDataset(base, create_masker("surgical"), "surgical", 0)
    manifest = dataset.load(SHARED / "fer2013_mini.csv.gz", parse_options(type(base), {}, "data"))
    assert len(manifest) == 8400
    rows = manifest.take(np.arange(0, 8400, 210).repeat(2) + np.tile([0, 1], 40))
    images, regions = dataset.read(rows), dataset.mask_regions(rows)
    again = dataset.read(rows)
    for k in range(0, 80, 2):
        bare, masked, alpha = images[k], images[k + 1], regions[k + 1]
        assert np.array_equal(masked[alpha == 0], bare[alpha == 0])
        assert np.array_equal(masked, again[k + 1])
        assert 0.2 < alpha.mean() / 255 < 0.35
        assert (masked == masked[..., :1]).all()
    assert len({alpha.tobytes() for alpha in regions[1::2]}) == 40


def test_the_bare_faces_of_a_masked_set_are_masked_when_asked(root):
    class HalfMasked(WithLandmarks):
        def load(self, root, options):
            whole = super().load(root, options)
            return whole.with_frame(whole.frame.assign(condition=["nm", "m", "nm"]))

    with pytest.raises(InputError, match="already has masked images"):
        load(wrapped(HalfMasked()), root)
    dataset = MaskedDataset(HalfMasked(), BelowTheNose(BelowTheNose.Options()), "nose", 0, bare_only=True)
    manifest = load(dataset, root)
    assert manifest.ids == ("a", "a-nose", "c", "c-nose")
    assert "1 masked images of the set left aside" in manifest.notes
