"""Sets that are folders of images: JAFFE, FED-RO and M-LFW-FER."""

import pytest
from face_layouts import face, fedro, jaffe, junk, mlfw
from hypothesis import given
from hypothesis import strategies as st

from msde_datasets.fedro import FedRo
from msde_datasets.jaffe import EMOTIONS, Jaffe, parse_name
from msde_datasets.mlfw import MaskedLfw
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.types import CLASSES, THREE


def load(dataset, root, **options):
    return dataset().load(root, dataset.Options(**options))


def words(manifest):
    return [manifest.classes[label] for label in manifest.labels]


# JAFFE


def test_jaffe_names_say_subject_and_expression(tmp_path):
    manifest = load(Jaffe, jaffe(tmp_path))
    assert len(manifest) == 28
    assert set(manifest.frame["subject"]) == {"KA", "NA"}, "NA is a subject, not a missing value"
    row = manifest.frame[manifest.frame["path"] == "KA.NE2.10.tiff"].iloc[0]
    assert (row["id"], manifest.classes[row["label"]]) == ("KA.NE2.10", "neutral")
    assert {word: words(manifest).count(word) for word in CLASSES} == dict.fromkeys(CLASSES, 4)
    assert "213 JAFFE images expected, 28 found" in manifest.notes
    image = Jaffe().read(manifest.take([3]))[0]
    assert image.shape == (8, 8, 3)
    assert image[0, 0].tolist() == [255, 255, 255], "a palette image shows its colours"


def test_jaffe_as_public_copies_name_it(tmp_path):
    jaffe(tmp_path / "jaffe" / "images", ending=".tiff.png", mode="L")
    junk(tmp_path / "jaffe")
    (tmp_path / "jaffe" / "README_FIRST.txt").write_text("x")
    manifest = load(Jaffe, tmp_path)
    assert len(manifest) == 28
    assert manifest.ids[0] == "KA.AN1.1"
    assert manifest.frame["path"].iat[0] == "jaffe/images/KA.AN1.1.tiff.png"
    assert "1 other file left alone (jaffe/README_FIRST.txt)" in manifest.notes


def test_jaffe_names_that_say_nothing(tmp_path):
    jaffe(tmp_path)
    face(tmp_path / "KA.XX1.99.tiff")
    face(tmp_path / "group.tiff")
    face(tmp_path / "ka.an1.1.TIFF.PNG")
    (tmp_path / "KM.AN1.98.tiff").write_bytes(b"")
    with pytest.raises(DataError, match=r"KA\.XX1\.99\.tiff: XX is not one of the expressions AN DI .* 3 more"):
        load(Jaffe, tmp_path)
    note = load(Jaffe, tmp_path, on_bad="skip").notes[0]
    for says in (
        "KM.AN1.98.tiff: holds no bytes",
        "group.tiff: its name is not",
        "ka.an1.1.TIFF.PNG: is a second copy",
    ):
        assert says in note


@given(
    st.from_regex(r"[A-Z]{2}", fullmatch=True),
    st.sampled_from(sorted(EMOTIONS)),
    st.integers(1, 9),
    st.integers(1, 999),
    st.sampled_from([".tiff", ".tiff.png", ".TIF", ".jpg"]),
)
def test_jaffe_names_are_parsed(subject, code, k, number, ending):
    name = f"{subject}.{code}{k}.{number}{ending}"
    expected = (subject, EMOTIONS[code], f"{subject}.{code}{k}.{number}")
    assert parse_name(name) == parse_name(name.lower()) == expected
    with pytest.raises(ValueError, match="its name is not"):
        parse_name(f"x{name}")


# FED-RO


def test_fedro_writes_neutral_as_neural(tmp_path):
    manifest = load(FedRo, fedro(tmp_path))
    assert words(manifest).count("neutral") == 3
    assert len(manifest) == 21
    assert manifest.conditions == ("nm",)
    assert not manifest.has_subjects
    assert "400 FED-RO images expected, 21 found" in manifest.notes
    assert any("Table 1" in note for note in manifest.notes)
    (tmp_path / "neural").rename(tmp_path / "Neutral")
    assert words(load(FedRo, tmp_path)).count("neutral") == 3


def test_fedro_complete_says_no_difference(tmp_path):
    for k in range(400):
        folder = tmp_path / ("neural", "disgust", "fear", "anger", "happy", "surprise", "sad")[k % 7]
        folder.mkdir(exist_ok=True)
        (folder / f"{k}.jpg").write_bytes(b"x")
    assert [note for note in load(FedRo, tmp_path).notes if "expected" in note] == []


@pytest.mark.parametrize("name", ["contempt", "positive", "other"])
def test_fedro_has_seven_folders(tmp_path, name):
    fedro(tmp_path)
    face(tmp_path / name / "1.jpg")
    for on_bad in ("error", "skip"):
        with pytest.raises(DataError, match=rf"folder is of no known class: '{name}'\. Rename or move"):
            load(FedRo, tmp_path, on_bad=on_bad)


# M-LFW-FER


def test_mlfw_has_three_classes_and_masks(tmp_path):
    manifest = load(MaskedLfw, mlfw(tmp_path) / "M-LFW-FER")
    assert manifest.classes == THREE
    assert manifest.conditions == ("m",)
    assert set(manifest.frame["split"]) == {"train", "test"}
    assert set(manifest.frame.loc[manifest.frame["split"] == "test", "subject"]) == {"Aaron_Guiel"}
    row = manifest.frame[manifest.frame["path"] == "train/positive/Al_Gore_0003.jpg"].iloc[0]
    assert (row["subject"], manifest.classes[row["label"]], row["pair"]) == ("Al_Gore", "positive", None)
    assert len(manifest.pairs()) == 0


def test_mlfw_with_its_originals_gives_pairs(tmp_path):
    manifest = load(MaskedLfw, mlfw(tmp_path / "LFW-emotion-dataset", ("LFW-FER", "M-LFW-FER")).parent)
    assert manifest.conditions == ("nm", "m")
    pairs = manifest.pairs()
    assert len(pairs) == 9
    for row in pairs.itertuples():
        assert "/LFW-FER/" in manifest.frame["path"].iat[row.nm]
        assert "/M-LFW-FER/" in manifest.frame["path"].iat[row.m]
    assert set(manifest.frame["pairing"]) == {"overlay"}


def test_mlfw_in_other_forms(tmp_path):
    mlfw(tmp_path / "M-LFW-FER")  # unpacked into a folder of its own name
    assert len(load(MaskedLfw, tmp_path / "M-LFW-FER")) == 9
    flat = tmp_path / "flat"
    for word in ("Positive", "negative", "neural"):
        face(flat / word / "Al_Gore_0001.jpg")
    face(flat / "neural" / "somebody.jpg")
    manifest = load(MaskedLfw, flat)
    assert words(manifest).count("neutral") == 2
    assert manifest.split_names == ()
    assert not manifest.has_subjects
    assert any(note.startswith("1 names are not of LFW's form") for note in manifest.notes)
    originals = mlfw(tmp_path / "originals", ("LFW-FER",)) / "LFW-FER"
    assert load(MaskedLfw, originals).conditions == ("nm",), "unmasked by its folder's name"


def test_mlfw_knows_no_other_class(tmp_path):
    mlfw(tmp_path)
    face(tmp_path / "M-LFW-FER" / "train" / "happy" / "Al_Gore_0001.jpg")
    with pytest.raises(DataError, match=r"M-LFW-FER/train.*: folder is of no known class: 'happy'"):
        load(MaskedLfw, tmp_path)


# All


@pytest.mark.parametrize("dataset", [Jaffe, FedRo, MaskedLfw])
def test_roots_without_images(tmp_path, dataset):
    with pytest.raises(InputError, match="needs --root"):
        load(dataset, None)
    with pytest.raises(InputError, match="nothing there"):
        load(dataset, tmp_path / "none")
    with pytest.raises(InputError, match="is no folder"):
        load(dataset, face(tmp_path / "a.png"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"holds no rows|no class folder"):
        load(dataset, tmp_path / "empty")
