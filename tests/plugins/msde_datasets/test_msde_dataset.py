"""MSD-E: two folders, a list of pairs, names that say subject and label."""

import numpy as np
import pytest
from face_layouts import face, junk, msde
from hypothesis import given
from hypothesis import strategies as st

from msde_datasets.msde import TABLE_2, Msde, parse_name
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.types import CLASSES


def load(root, **options):
    return Msde().load(root, Msde.Options(**options))


def test_both_folders_and_their_pairs(tmp_path):
    manifest = load(msde(tmp_path))
    frame = manifest.frame
    assert manifest.conditions == ("nm", "m")
    assert (frame["condition"] == "nm").sum() == 28
    assert (frame["condition"] == "m").sum() == 27
    assert set(frame["subject"]) == {"1", "2", "3", "4"}
    assert frame["path"].tolist()[0] == "MSD-E/1_0_1.jpg"
    pairs = manifest.pairs()
    assert len(pairs) == 27, "the first has no masked face"
    for row in pairs.itertuples():
        nm, m = frame.iloc[row.nm], frame.iloc[row.m]
        assert (nm["subject"], nm["label"]) == (m["subject"], m["label"])
        assert nm["path"].removeprefix("MSD-E/") == m["path"].removeprefix("MSD-ME/") == row.pair
        assert nm["label"] == int(row.pair.split("_")[1])
    images = Msde().read(manifest.take([0, len(manifest) - 1]))
    assert images[0][5, 5, 0] < 20
    assert images[1][5, 5, 0] > 110, "masked faces come from their own folder"


def test_only_pairs(tmp_path):
    manifest = load(msde(tmp_path), set="pairs")
    assert len(manifest) == 54
    assert len(manifest.pairs()) == 27


def test_counts_are_compared_with_table_2(tmp_path):
    notes = load(msde(tmp_path)).notes
    assert any(note.startswith("nm: 28 of the 964 in the paper's Table 2 (surprise 4 of 128, fear") for note in notes)
    assert any(note.startswith("m: 27 of the 996") and "surprise 3 of 121" in note for note in notes)
    assert any(note.startswith("pairs: 27 of the 857") for note in notes)
    assert "4 subjects of the paper's 142" in notes
    only_pairs = load(tmp_path, set="pairs").notes
    assert any(note.startswith("m: 27 of the 857") for note in only_pairs), "of the pairs' own counts"


def test_the_papers_counts_are_recognised(tmp_path):
    """1,960 empty-ish files are cheap: only names matter here."""
    nm, m, pairs = ({label: TABLE_2[key][label] for label in range(7)} for key in ("nm", "m", "pairs"))
    listed = []
    for folder in ("MSD-E", "MSD-ME"):
        (tmp_path / folder).mkdir()
    number = 0
    for label in range(7):
        for kind, count in (("both", pairs[label]), ("nm", nm[label] - pairs[label]), ("m", m[label] - pairs[label])):
            for _ in range(count):
                name = f"{number % 142}_{label}_{number}.jpg"
                number += 1
                for folder in {"both": ("MSD-E", "MSD-ME"), "nm": ("MSD-E",), "m": ("MSD-ME",)}[kind]:
                    (tmp_path / folder / name).write_bytes(b"x")
                listed += [name] if kind == "both" else []
    (tmp_path / "Paired_files.txt").write_text("\r\n".join(listed))
    manifest = load(tmp_path)
    assert len(manifest) == 1960
    assert len(manifest.pairs()) == 857
    assert [note for note in manifest.notes if "256" in note], "the paper's own slip is named"
    assert len(manifest.notes) == 1
    counts = np.bincount(load(tmp_path, set="pairs").labels, minlength=7)
    assert counts.tolist() == [2 * count for count in TABLE_2["pairs"]]


def test_spelling_of_folders_list_and_names_may_vary(tmp_path):
    msde(tmp_path, alone=0)
    (tmp_path / "MSD-E").rename(tmp_path / "msd-e")
    (tmp_path / "Paired_files.txt").unlink()
    lines = ["1_0_1.JPG  ", "", "1_1_1.jpg", "1_1_1.jpg"]
    (tmp_path / "paired_FILES.TXT").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    manifest = load(tmp_path)
    assert manifest.pairs()["pair"].tolist() == ["1_0_1.jpg", "1_1_1.jpg"]
    assert any("1 lines of Paired_files.txt repeat" in note for note in manifest.notes)
    assert manifest.frame["path"].iat[0] == "msd-e/1_0_1.jpg"
    assert manifest.ids[0] == "MSD-E/1_0_1.jpg", "ids do not depend on the spelling"
    assert Msde().read(manifest.take([0]))[0].shape == (8, 8, 3)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("9_9_9.jpg", r"line 28: no usable image '9_9_9.jpg' in MSD-E or MSD-ME"),
        ("1_0_1.jpg", r"line 28: no usable image '1_0_1.jpg' in MSD-ME"),
        ("../1_0_1.jpg", r"line 28: '../1_0_1.jpg' is no name of a file but a path"),
        ("/etc/passwd", r"is no name of a file but a path"),
    ],
)
def test_a_line_without_its_images_is_named(tmp_path, line, says):
    msde(tmp_path)
    with (tmp_path / "Paired_files.txt").open("a") as file:
        file.write(line)
    with pytest.raises(DataError, match=rf"Paired_files\.txt, {says}" if says.startswith("line") else says):
        load(tmp_path)
    manifest = load(tmp_path, on_bad="skip")
    assert len(manifest.pairs()) == 27
    assert any(note.startswith("1 bad rows of Paired_files.txt left out (line 28") for note in manifest.notes)
    assert str(tmp_path) not in "".join(manifest.notes)


def test_images_that_say_nothing_are_named(tmp_path):
    msde(tmp_path)
    face(tmp_path / "MSD-E" / "1_7_x.jpg")
    face(tmp_path / "MSD-E" / "holiday.jpg")
    (tmp_path / "MSD-ME" / "5_5_x.jpg").write_bytes(b"")
    junk(tmp_path / "MSD-ME" / "sub")
    (tmp_path / "MSD-E" / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"MSD-E/1_7_x\.jpg: label 7 in its name is not one of 0 to 6 and 2 more"):
        load(tmp_path)
    manifest = load(tmp_path, on_bad="skip")
    assert len(manifest) == 55
    assert "MSD-ME/5_5_x.jpg: holds no bytes" in manifest.notes[0]
    assert "MSD-E/holiday.jpg: its name is not SUBJECT_LABEL_..." in manifest.notes[0]
    assert manifest.notes[1] == "1 other file left alone (MSD-E/notes.txt)"


def test_without_the_list(tmp_path):
    msde(tmp_path)
    (tmp_path / "Paired_files.txt").unlink()
    manifest = load(tmp_path)
    assert len(manifest.pairs()) == 27
    assert any("no Paired_files.txt: the 27 names" in note for note in manifest.notes)
    with pytest.raises(InputError, match="no Paired_files"):
        load(tmp_path, set="pairs")


def test_other_roots_are_refused(tmp_path):
    (tmp_path / "MSD-E").mkdir()
    with pytest.raises(InputError, match="no folder MSD-ME"):
        load(tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        load(face(tmp_path / "a.png"))
    with pytest.raises(InputError, match="needs --root"):
        load(None)


@given(
    st.from_regex(r"[0-9A-Za-z]{1,4}", fullmatch=True),
    st.integers(0, 6),
    st.from_regex(r"(_[a-z0-9]{0,5}){0,3}", fullmatch=True),
)
def test_names_say_subject_and_label(subject, label, rest):
    assert parse_name(f"{subject}_{label}{rest}.jpg") == (subject, label)
    assert parse_name(f"{subject}_0{label}{rest}.jpg") == (subject, label)
    for wrong in (
        f"{subject}_{label + len(CLASSES)}{rest}.jpg",
        f"{subject}{label}.jpg",
        f"{subject}_x.jpg",
        f"_{label}.jpg",
    ):
        with pytest.raises(ValueError, match="its name"):
            parse_name(wrong)
