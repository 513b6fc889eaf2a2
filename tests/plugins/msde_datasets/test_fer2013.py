import gzip
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from msde_datasets.fer2013 import Fer2013
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.types import CLASSES

SHARED = Path(os.environ.get("MSDE_SHARED", Path(__file__).parents[3].parent / "shared")) / "data"
MINI = SHARED / "fer2013_mini.csv.gz"

FACES = np.random.default_rng(5).integers(0, 256, (12, 48, 48), dtype=np.uint8)
USAGES = ("Training", "PublicTest", "PrivateTest")


def row(face, emotion=0, usage="Training"):
    return f"{emotion},{' '.join(map(str, face.ravel()))},{usage}"


def good_rows(n=6, usages=USAGES):
    return [row(FACES[k], k % 7, usages[k % len(usages)]) for k in range(n)]


def write(folder, rows, *, header="emotion,pixels,Usage", name="fer2013.csv.gz", end="\n", prefix=b""):
    content = prefix + (end.join([header, *rows]) + end).encode()
    file = folder / name
    file.write_bytes(gzip.compress(content, 1) if name.endswith(".gz") else content)
    return file


def load(root, **options):
    return Fer2013().load(root, Fer2013.Options(**options))


@pytest.mark.parametrize("name", ["fer2013.csv", "fer2013.csv.gz"])
def test_rows_come_back_as_written(tmp_path, name):
    manifest = load(write(tmp_path, good_rows(12), name=name))
    assert manifest.ids[0] == "fer2013-000002"
    assert manifest.frame["path"].iat[11] == f"{name}#13"
    images = Fer2013().read(manifest.take([11, 0, 3]))
    for image, k in zip(images, (11, 0, 3), strict=True):
        assert image.dtype == np.uint8
        assert np.array_equal(image, np.repeat(FACES[k][..., None], 3, axis=2))


def test_emotions_become_our_classes(tmp_path):
    manifest = load(write(tmp_path, good_rows(7)))
    words = [manifest.classes[label] for label in manifest.labels]
    assert words == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    assert manifest.classes == CLASSES
    assert not manifest.has_subjects


def test_private_is_the_test_split_where_there_is_one(tmp_path):
    assert list(load(write(tmp_path, good_rows(3))).frame["split"]) == ["train", "validation", "test"]


def test_public_is_the_test_split_otherwise(tmp_path):
    assert list(load(write(tmp_path, good_rows(2, USAGES[:2]))).frame["split"]) == ["train", "test"]


@pytest.mark.parametrize(
    "form",
    [
        {"prefix": b"\xef\xbb\xbf"},
        {"end": "\r\n"},
        {"header": "Emotion, PIXELS ,usage"},
    ],
)
def test_header_and_line_ends_may_vary(tmp_path, form):
    manifest = load(write(tmp_path, good_rows(), **form))
    assert len(manifest) == 6
    assert np.array_equal(Fer2013().read(manifest)[5][..., 0], FACES[5])


def test_columns_may_stand_in_another_order_and_cells_in_quotes(tmp_path):
    rows = [f'"3","Training","{" ".join(map(str, FACES[k].ravel()))}"' for k in range(2)]
    manifest = load(write(tmp_path, rows, header='"emotion"," Usage"," pixels"'))
    assert np.array_equal(Fer2013().read(manifest)[1][..., 2], FACES[1])


def test_blank_lines_count_as_lines_but_not_as_rows(tmp_path):
    rows = good_rows()
    rows.insert(2, "")
    assert load(write(tmp_path, rows)).ids[2] == "fer2013-000005"


def spoilt(kind, text):
    """A good row, spoilt in one way, and the words that must say so."""
    emotion, pixels, usage = text.split(",")
    numbers = pixels.split()
    return {
        "few": (f"{emotion},{' '.join(numbers[:-1])},{usage}", "2303 pixels, expected 2304"),
        "many": (f"{emotion},{pixels} 7,{usage}", "2305 pixels"),
        "none": (f"{emotion},,{usage}", "0 pixels"),
        "word": (f"{emotion},{' '.join(['x1', *numbers[1:]])},{usage}", "pixel 1 is 'x1'"),
        "fraction": (f"{emotion},{' '.join([*numbers[:-1], '1.5'])},{usage}", "pixel 2304 is '1.5'"),
        "negative": (f"{emotion},{' '.join([*numbers[:9], '-1', *numbers[10:]])},{usage}", "pixel 10 is '-1'"),
        "bright": (f"{emotion},{' '.join([*numbers[:9], '256', *numbers[10:]])},{usage}", "pixel 10 is '256'"),
        "long": (f"{emotion},{' '.join([*numbers[:9], '1000', *numbers[10:]])},{usage}", "pixel 10 is '1000'"),
        "label": (f"7,{pixels},{usage}", "emotion '7' is not one of 0 to 6"),
        "no label": (f",{pixels},{usage}", "emotion (empty)"),
        "usage": (f"{emotion},{pixels},Test", "Usage 'Test' is not"),
        "no usage": (f"{emotion},{pixels},", "Usage (empty)"),
        "short": (f"{emotion},{pixels}", "2 cells, expected 3"),
    }[kind]


KINDS = ["few", "many", "none", "word", "fraction", "negative", "bright", "long"]
KINDS += ["label", "no label", "usage", "no usage", "short"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_row_is_named_by_its_line(tmp_path, kind):
    place = KINDS.index(kind) % 6
    rows = good_rows()
    rows[place], words = spoilt(kind, rows[place])
    file = write(tmp_path, rows)
    with pytest.raises(DataError) as caught:
        load(file)
    assert f"{file}, line {place + 2}: {words}" in str(caught.value)
    assert "data.on_bad=skip" in str(caught.value)

    manifest = load(file, on_bad="skip")
    kept = [k for k in range(6) if k != place]
    assert [int(sample[-6:]) - 2 for sample in manifest.ids] == kept
    assert np.array_equal(np.stack(Fer2013().read(manifest))[..., 0], FACES[kept])
    assert len(manifest.notes) == 1 + 3, "the bad row, and counts that are not the published ones"
    assert f"line {place + 2}: {words}" in manifest.notes[0]


def test_several_bad_rows_are_counted_and_the_first_are_described(tmp_path):
    rows = good_rows(12) * 3
    for place in range(1, 26):
        rows[place] = spoilt("label", rows[place])[0]
    file = write(tmp_path, rows)
    with pytest.raises(DataError, match=r"line 3: emotion '7'.* and 24 more bad rows"):
        load(file)
    note = load(file, on_bad="skip").notes[0]
    assert note.startswith("25 bad rows of fer2013.csv.gz left out (line 3:")
    assert "line 22:" in note
    assert "line 23:" not in note
    assert note.endswith("; ...)")


def test_wider_spaces_and_leading_zeros_are_still_numbers(tmp_path):
    text = row(FACES[0]).replace(" ", "  ", 3).replace(f",{FACES[0, 0, 0]} ", f",0{FACES[0, 0, 0]} ")
    assert np.array_equal(Fer2013().read(load(write(tmp_path, [text])))[0][..., 0], FACES[0])


@pytest.mark.parametrize("on_bad", ["error", "skip"])
def test_a_file_without_a_good_row(tmp_path, on_bad):
    file = write(tmp_path, ["9,1 2 3,Training", "x"])
    with pytest.raises(DataError, match=r"none of its 2 rows can be used; line 2"):
        load(file, on_bad=on_bad)


@pytest.mark.parametrize("name", ["fer2013.csv", "fer2013.csv.gz"])
def test_empty_files(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        load(tmp_path / name)
    with pytest.raises(DataError, match="header but no rows"):
        load(write(tmp_path, [], name=name))


def test_a_missing_column_is_named_beside_those_there_are(tmp_path):
    file = write(tmp_path, ["0,1 2"], header="emotion,pixels")
    with pytest.raises(DataError, match=r"line 1: no column usage \(it has emotion, pixels\)"):
        load(file)


def test_damaged_and_misnamed_files(tmp_path):
    file = write(tmp_path, good_rows())
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cannot be read to its end"):
        load(file)
    file.write_bytes(b"emotion,pixels,Usage\n")
    with pytest.raises(DataError, match=r"is not gzip although named \.gz"):
        load(file)
    file.write_bytes(whole[:20] + b"\xff" * 200 + whole[220:])
    with pytest.raises(DataError, match="cannot be read to its end"):
        load(file)
    plain = tmp_path / "fer2013.csv"
    plain.write_bytes(whole)
    with pytest.raises(DataError, match=r"is gzip although not named \.gz"):
        load(plain)
    plain.write_bytes(b"emotion,pixels,Usage\n" + b"1" * 2_000_000)
    with pytest.raises(DataError, match="line 2: longer than a million"):
        load(plain)


def test_a_folder_may_be_given_if_it_holds_one_file(tmp_path):
    with pytest.raises(InputError, match=r"none of fer2013\.csv"):
        load(tmp_path)
    file = write(tmp_path, good_rows())
    manifest = load(tmp_path)
    assert manifest.root == file
    assert len(manifest) == 6
    write(tmp_path, good_rows(), name="fer2013.csv")
    with pytest.raises(InputError, match=r"holds fer2013\.csv and fer2013\.csv\.gz"):
        load(tmp_path)


@pytest.mark.parametrize(("folder", "name"), [("archive/fer2013", "FER2013.CSV"), ("", "icml_face_data.csv")])
def test_the_file_of_its_later_page_and_one_in_a_folder_below_are_found(tmp_path, folder, name):
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    file = write(tmp_path / folder, good_rows(), name=name, header="emotion, pixels, Usage")
    manifest = load(tmp_path)
    assert manifest.root == file
    assert np.array_equal(np.stack(Fer2013().read(manifest))[..., 0], FACES[:6])


def test_counts_that_are_not_the_published_ones_are_told(tmp_path):
    assert "3,589 PublicTest rows expected, 2 found" in load(write(tmp_path, good_rows())).notes


def test_other_roots_are_refused(tmp_path):
    with pytest.raises(InputError, match="needs --root"):
        load(None)
    with pytest.raises(InputError, match="nothing there"):
        load(tmp_path / "fer2013.csv")
    (tmp_path / "fer2013.tar").write_bytes(b"")
    with pytest.raises(InputError, match=r"not a \.csv or \.csv\.gz"):
        load(tmp_path / "fer2013.tar")


def test_reading_follows_the_file(tmp_path):
    file = write(tmp_path, good_rows(3))
    manifest = load(file)
    before = Fer2013().fingerprint(manifest)
    write(tmp_path, [row(FACES[k]) for k in (5, 4, 3, 2)])
    assert np.array_equal(Fer2013().read(manifest)[0][..., 0], FACES[5])
    assert Fer2013().fingerprint(manifest) != before
    write(tmp_path, good_rows(1))
    with pytest.raises(DataError, match=r"fer2013\.csv\.gz#3: no usable row"):
        Fer2013().read(manifest)
    file.unlink()
    with pytest.raises(InputError, match="nothing there"):
        Fer2013().read(manifest)


def test_instances_travel_to_other_processes(tmp_path):
    dataset = Fer2013()
    manifest = dataset.load(write(tmp_path, good_rows()), Fer2013.Options())
    travelled = pickle.dumps((dataset, manifest))
    assert len(travelled) < 10_000
    dataset, manifest = pickle.loads(travelled)
    assert np.array_equal(dataset.read(manifest)[4][..., 0], FACES[4])


@pytest.mark.skipif(not MINI.is_file(), reason="no FER2013: set MSDE_SHARED to the folder with data/")
def test_real_rows():
    manifest = load(MINI)
    frame = manifest.frame
    counts = {split: frame[frame["split"] == split]["label"].value_counts() for split in ("train", "test")}
    assert [counts["train"][label] for label in range(7)] == [387, 499, 53, 880, 589, 487, 605]
    assert [counts["test"][label] for label in range(7)] == [81, 97, 11, 175, 127, 91, 118]
    assert len(manifest) == 4200
    faces = np.stack(Fer2013().read(manifest.take(np.arange(0, 4200, 100))))
    with gzip.open(MINI, "rt") as lines:
        expected = [line.split(",")[1].split() for k, line in enumerate(lines) if k % 100 == 1]
    assert np.array_equal(faces[..., 1].reshape(-1, 2304), np.array(expected, dtype=np.uint8))
