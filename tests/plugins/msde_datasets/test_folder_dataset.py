"""One's own class folders: words for classes, folders above them, patterns in names, and what is refused."""

import os

import pytest
from face_layouts import SEVEN, class_folders, face, junk
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from msde_datasets.expression_words import SYNONYMS, expression, label_set
from msde_datasets.folder import Folder, parse_names
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.types import EIGHT, THREE

PATTERN = r"(?P<pair>(?P<subject>s\d+)_\d+)_(?P<condition>\w+)"


def load(root, **options):
    return Folder().load(root, Folder.Options(**options))


def by_path(manifest, column="label"):
    cells = manifest.frame[column]
    values = [manifest.classes[cell] for cell in cells] if column == "label" else cells.tolist()
    return dict(zip(manifest.frame["path"], values, strict=True))


def test_a_folder_a_class(tmp_path):
    manifest = load(class_folders(tmp_path))
    assert manifest.classes == SEVEN
    assert len(manifest) == 14
    assert all(path.startswith(f"{word}/") for path, word in by_path(manifest).items())
    assert manifest.ids == tuple(manifest.frame["path"])
    assert list(manifest.ids) == sorted(manifest.ids)
    assert manifest.conditions == ("nm",)
    assert not manifest.has_subjects
    assert Folder().read(manifest.take([0]))[0].shape == (8, 8, 3)


@pytest.mark.parametrize(
    ("folder", "word"),
    [
        ("Angry", "angry"),
        ("ANGER", "angry"),
        ("Happiness", "happy"),
        ("sadness", "sad"),
        ("Surprised", "surprise"),
        ("fearful", "fear"),
        ("disgusted", "disgust"),
        ("0_neutral", "neutral"),
        ("3. Happy", "happy"),
        ("06-anger", "angry"),
    ],
)
def test_classes_in_other_words(tmp_path, folder, word):
    face(tmp_path / folder / "a.PNG")
    assert by_path(load(tmp_path)) == {f"{folder}/a.PNG": word}


@given(st.sampled_from([(name, word) for name, others in SYNONYMS.items() for word in (name, *others)]), st.data())
def test_every_synonym_means_one_class_in_any_case(case, data):
    name, word = case
    spelt = "".join(data.draw(st.sampled_from([letter.lower(), letter.upper()])) for letter in word)
    prefix = data.draw(st.sampled_from(["", "1_", "02-", "3 "]))
    assert expression(f" {prefix}{spelt.replace(' ', '_')} ") == name
    assert expression(f"{spelt}x") is None
    assert expression("7") is None


def test_two_folders_may_mean_one_class(tmp_path):
    face(tmp_path / "anger" / "a.png")
    face(tmp_path / "Angry" / "a.png")
    assert by_path(load(tmp_path)) == {"Angry/a.png": "angry", "anger/a.png": "angry"}


def test_the_classes_are_those_that_are_there(tmp_path):
    assert load(class_folders(tmp_path / "8", words=EIGHT)).classes == EIGHT
    assert load(class_folders(tmp_path / "3", words=("positive", "negative", "neutral"))).classes == THREE
    assert load(class_folders(tmp_path / "2", words=("happy", "sad"))).classes == SEVEN
    assert load(tmp_path / "2", classes="eight").classes == EIGHT
    class_folders(tmp_path / "mixed", words=("happy", "positive"))
    with pytest.raises(DataError, match="happy, positive together are no set of classes"):
        load(tmp_path / "mixed")
    with pytest.raises(DataError, match="'contempt'"):
        load(tmp_path / "8", classes="seven")
    assert load(tmp_path / "8", classes="seven", names="contempt=-").classes == SEVEN
    assert label_set(["bored"]) is None


@pytest.mark.parametrize("on_bad", ["error", "skip"])
def test_unknown_folders_are_named(tmp_path, on_bad):
    class_folders(tmp_path)
    face(tmp_path / "bored" / "a.png")
    face(tmp_path / "train" / "a.png")
    with pytest.raises(DataError, match=r"folders are of no known class: 'bored', 'train'\. .*data\.names="):
        load(tmp_path, on_bad=on_bad)


def test_folders_may_be_told_what_they_mean(tmp_path):
    for name in ("1", "2", "Wut", "rest"):
        face(tmp_path / name / "a.png")
    with pytest.raises(DataError, match="no known class: '1', '2', 'Wut', 'rest'"):
        load(tmp_path)
    manifest = load(tmp_path, names="1=surprise, 2 = Fear,wut=anger,rest=-")
    assert by_path(manifest) == {"1/a.png": "surprise", "2/a.png": "fear", "Wut/a.png": "angry"}


@pytest.mark.parametrize("text", ["1", "1=", "=happy", "1=bored", "1=happy,2"])
def test_meanings_that_are_none(text):
    with pytest.raises(ValidationError, match="is not FOLDER=CLASS"):
        Folder.Options(names=text)
    assert parse_names("") == {}


def test_splits_and_conditions_above_the_classes(tmp_path):
    for split in ("Train", "test", "valid"):
        for mask in ("unmasked", "Masked"):
            class_folders(tmp_path / split / mask, words=("happy", "sad"))
    manifest = load(tmp_path)
    assert manifest.split_names == ("test", "train", "validation")
    assert manifest.conditions == ("nm", "m")
    row = manifest.frame[manifest.frame["path"] == "valid/Masked/sad/s1_1.png"].iloc[0]
    assert (row["split"], row["condition"], manifest.classes[row["label"]]) == ("validation", "m", "sad")
    face(tmp_path / "train2" / "happy" / "a.png")
    with pytest.raises(DataError, match="no known class, split or condition: 'train2'"):
        load(tmp_path)


def test_patterns_say_who_and_what(tmp_path):
    for name in ("s1_1_nm", "s1_1_masked", "s2_1_NM", "s2_2_scarf"):
        face(tmp_path / "happy" / f"{name}.jpg")
    face(tmp_path / "sad" / "session" / "s3_1_m.jpg")
    manifest = load(tmp_path, pattern=PATTERN)
    assert set(manifest.frame["subject"]) == {"s1", "s2", "s3"}
    assert by_path(manifest, "condition") == {
        "happy/s1_1_masked.jpg": "m",
        "happy/s1_1_nm.jpg": "nm",
        "happy/s2_1_NM.jpg": "nm",
        "happy/s2_2_scarf.jpg": "scarf",
        "sad/session/s3_1_m.jpg": "m",
    }
    assert manifest.pairs()["pair"].tolist() == ["s1_1"]
    assert load(tmp_path, pattern=r"^(?P<subject>s\d)?", condition="masked").conditions == ("m",)
    in_folders = load(tmp_path, pattern=r"(?P<subject>session)/|")
    assert by_path(in_folders, "subject")["sad/session/s3_1_m.jpg"] == "session"


def test_what_the_pattern_does_not_fit(tmp_path):
    for name in ("s1_1_nm", "s1_1_m", "s1_1_m2", "face"):
        face(tmp_path / "happy" / f"{name}.jpg")
    pattern = r"(?P<pair>(?P<subject>s\d+)_\d+)_(?P<condition>nm|m)"
    with pytest.raises(DataError, match=r"happy/face\.jpg: its name does not match the pattern and 1 more"):
        load(tmp_path, pattern=pattern)
    manifest = load(tmp_path, pattern=pattern, on_bad="skip")
    assert len(manifest) == 2
    assert "happy/s1_1_m2.jpg: pair 's1_1' has two samples of the same condition" in manifest.notes[0]


@pytest.mark.parametrize("pattern", ["(", "s[0-9]+", "(?P<who>s)", "(?P<subject>s)(?P<age>1)"])
def test_patterns_that_are_none(pattern):
    with pytest.raises(ValidationError, match=r"is no regular expression|must have named groups"):
        Folder.Options(pattern=pattern)


def test_what_lies_about(tmp_path):
    class_folders(tmp_path)
    for folder in (tmp_path, tmp_path / "happy", tmp_path / "sad" / "more"):
        junk(folder)
    face(tmp_path / "sad" / "more" / "deeper" / "x.bmp")
    face(tmp_path / "loose.png")
    (tmp_path / "happy" / "list.txt").write_text("x")
    manifest = load(tmp_path)
    assert len(manifest) == 15
    assert by_path(manifest)["sad/more/deeper/x.bmp"] == "sad", "folders below a class belong to it"
    assert manifest.notes == ("2 other files left alone (loose.png, happy/list.txt)",)


def test_images_that_cannot_be_used(tmp_path):
    class_folders(tmp_path / "set", words=("happy", "sad"))
    outside = face(tmp_path / "outside" / "a.png")
    happy = tmp_path / "set" / "happy"
    (happy / "0.png").write_bytes(b"")
    (happy / "1.png").symlink_to(outside)
    (happy / "2.png").symlink_to(happy / "gone.png")
    (happy / "3").symlink_to(outside.parent)
    (happy / "4.png").symlink_to(happy / "s1_0.png")
    (happy / "5").symlink_to(happy)
    face(happy / "6\n.png")
    (happy / os.fsdecode(b"7\xff.png")).write_bytes(b"x")
    with pytest.raises(DataError, match=r"happy/0\.png: holds no bytes and 5 more bad rows"):
        load(tmp_path / "set")
    manifest = load(tmp_path / "set", on_bad="skip")
    assert len(manifest) == 5, "a link within the set is one more name"
    note = manifest.notes[0]
    for says in (
        "happy/1.png: leads out of the set's folder by a link",
        "happy/2.png: is a link to nothing",
        "happy/3: leads out",
        r"happy/6\n.png: its name holds control characters",
    ):
        assert says in note


def test_a_class_folder_that_is_a_link_out_of_the_set(tmp_path):
    class_folders(tmp_path / "set", words=("happy", "sad"))
    face(tmp_path / "outside" / "a.png")
    (tmp_path / "set" / "fear").symlink_to(tmp_path / "outside")
    with pytest.raises(DataError, match=r"fear: leads out of the set's folder by a link"):
        load(tmp_path / "set")
    assert len(load(tmp_path / "set", on_bad="skip")) == 4


def test_broken_images_are_named_when_they_are_read(tmp_path):
    class_folders(tmp_path)
    (tmp_path / "happy" / "s1_3.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"happy/s1_3\.png: cannot be decoded"):
        Folder().read(load(tmp_path))


def test_other_roots(tmp_path):
    with pytest.raises(InputError, match="is no folder"):
        load(face(tmp_path / "a.png"))
    with pytest.raises(DataError, match="there is no class folder in it"):
        load(tmp_path)
    (tmp_path / "happy").mkdir()
    with pytest.raises(DataError, match="holds no rows"):
        load(tmp_path)
    face(tmp_path / "happy" / "a.png")
    (tmp_path / "happy" / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"none of its 1 rows can be used; happy/a\.png: holds no bytes"):
        load(tmp_path, on_bad="skip")
    class_folders(tmp_path / "deep" / "one" / "two")
    assert len(load(tmp_path / "deep")) == 14, "archives unpack into a folder"
