"""CK+: sequences with emotion files, and the cropped form in class folders."""

import pytest
from face_layouts import ck48, ck_sequences, face
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msde_datasets.ck_sequences import EMOTIONS, read_emotion
from msde_datasets.ckplus import CkPlus
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.types import EIGHT, SEVEN


def load(root, **options):
    return CkPlus().load(root, CkPlus.Options(**options))


def words(manifest):
    return [manifest.classes[label] for label in manifest.labels]


def test_the_last_three_frames_of_labelled_sequences(tmp_path):
    manifest = load(ck_sequences(tmp_path), classes="eight")
    assert manifest.classes == EIGHT
    assert len(manifest) == 2 * 8 * 3
    of_one = manifest.frame[manifest.frame["sequence"] == "S005_003"]
    assert of_one["path"].tolist() == [
        f"cohn-kanade-images/S005/003/S005_003_0000000{frame}.png" for frame in (3, 4, 5)
    ]
    assert set(manifest.frame["subject"]) == {"S005", "S010"}
    by_sequence = dict(zip(manifest.frame["sequence"], words(manifest), strict=True))
    assert [by_sequence[f"S010_{number:03d}"] for number in range(1, 9)] == list(EMOTIONS)
    assert "2 sequences without an emotion left out" in manifest.notes
    assert "981 CK+ images expected, 48 found" in manifest.notes


def test_contempt_is_left_out_of_seven_classes(tmp_path):
    manifest = load(ck_sequences(tmp_path))
    assert manifest.classes == SEVEN
    assert len(manifest) == 42
    assert any(note.startswith("6 images of contempt left out") for note in manifest.notes)


def test_the_first_frame_may_be_neutral(tmp_path):
    ck_sequences(tmp_path, subjects=1)
    manifest = load(tmp_path, neutral_first=True)
    first = manifest.frame[manifest.frame["frame"] == "first"]
    assert len(first) == 8, "of contempt's sequence too"
    assert first["path"].str.endswith("_00000001.png").all()
    assert {manifest.classes[label] for label in first["label"]} == {"neutral"}
    assert len(manifest) == 8 + 21
    assert "981 CK+ images expected, 24 found" in manifest.notes, "first frames do not count"
    (tmp_path / "cohn-kanade-images/S005/002/S005_002_00000001.png").unlink()
    (tmp_path / "cohn-kanade-images/S005/002/S005_002_00000002.png").unlink()
    assert len(load(tmp_path)) == 21
    with pytest.raises(DataError, match=r"S005_002 has 3 frames, too few for the last 3 and the first"):
        load(tmp_path, neutral_first=True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("8.0", "line 1: '8.0' is not one emotion of 0 to 7"),
        ("\n\n-1\n", "line 3: '-1' is not"),
        ("2.5", "line 1: '2.5' is not"),
        ("", "line 1: '' is not"),
        ("happy", "line 1: 'happy' is not"),
        ("1.0\n2.0", "line 1: '1.0 2.0' is not one emotion"),
        ("nan", "line 1: 'nan' is not"),
    ],
)
def test_an_emotion_that_is_none_is_named(tmp_path, text, says):
    ck_sequences(tmp_path, subjects=1)
    file = tmp_path / "Emotion/S005/002/S005_002_00000005_emotion.txt"
    file.write_text(text)
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    assert f"Emotion/S005/002/S005_002_00000005_emotion.txt: {says}" in str(caught.value)
    manifest = load(tmp_path, on_bad="skip", classes="eight")
    assert len(manifest) == 21
    assert says in manifest.notes[0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.integers(0, 7), st.sampled_from(["   {:.7e}\n", "{}", "\ufeff{:.1f}\r\n", "\n{}.\n\n"]))
def test_emotions_are_floats_in_many_spellings(tmp_path, number, form):
    file = tmp_path / "S1_1_1_emotion.txt"
    file.write_bytes(form.format(number).encode())
    assert read_emotion(file) == number


def test_what_does_not_fit_is_named(tmp_path):
    ck_sequences(tmp_path, subjects=1)
    emotions = tmp_path / "Emotion/S005"
    (emotions / "001" / "S005_001_00000004_emotion.txt").write_text("1.0")
    (emotions / "009" / "S077_001_00000004_emotion.txt").write_text("1.0")
    (emotions / "readme.txt").write_text("not an emotion")
    (tmp_path / "cohn-kanade-images/S005/001/S005_001_00000005.png").write_bytes(b"")
    face(tmp_path / "cohn-kanade-images/S005/001/cover.png")
    note = load(tmp_path, on_bad="skip").notes[0]
    assert note.startswith("4 bad rows of ")
    for says in (
        "S005_001_00000005.png: holds no bytes",
        "cover.png: its name is not SUBJECT_SEQUENCE_FRAME",
        "is a second emotion of S005_001",
        "S077_001 has 0 frames, too few for the last 3",
    ):
        assert says in note


def test_frames_are_in_the_order_of_their_numbers(tmp_path):
    ck_sequences(tmp_path, subjects=1, frames=3)
    folder = tmp_path / "cohn-kanade-images/S005/002"
    (folder / "S005_002_00000001.png").rename(folder / "S005_002_100.png")
    paths = load(tmp_path).frame.query("sequence == 'S005_002'")["path"]
    assert len(paths) == 3
    first = load(ck_sequences(tmp_path / "more", 1, 12), neutral_first=True).frame.query("frame == 'first'")["path"]
    assert first.str.endswith("_00000001.png").all()


def test_the_cropped_form(tmp_path):
    manifest = load(ck48(tmp_path), classes="eight")
    assert len(manifest) == 7 * 4 * 3
    frame = manifest.frame
    assert set(frame["subject"]) == {"S010", "S011", "S012", "S013"}
    row = frame[frame["path"] == "anger/S010_001_00000017.png"].iloc[0]
    assert (row["sequence"], manifest.classes[row["label"]]) == ("S010_001", "angry")
    assert "neutral" not in words(manifest)
    assert len(load(tmp_path)) == 6 * 4 * 3
    with pytest.raises(InputError, match="no sequences there"):
        load(tmp_path, neutral_first=True)


def test_the_cropped_form_in_other_spellings(tmp_path):
    ck48(tmp_path / "CK+48")
    (tmp_path / "CK+48" / "anger").rename(tmp_path / "CK+48" / "Angry")
    assert len(load(tmp_path)) == 72, "one folder deeper, as archives unpack it"
    face(tmp_path / "CK+48" / "happy" / "smile.png")
    with pytest.raises(DataError, match=r"CK\+48/happy/smile\.png: its name is not SUBJECT_SEQUENCE_FRAME"):
        load(tmp_path)
    face(tmp_path / "CK+48" / "bored" / "S010_009_00000017.png")
    with pytest.raises(DataError, match=r"folder is of no known class: 'bored'"):
        load(tmp_path)


def test_whole_sets_agree_with_the_published_counts(tmp_path):
    counts = {"anger": 135, "contempt": 54, "disgust": 177, "fear": 75, "happy": 207, "sadness": 84, "surprise": 249}
    for word, count in counts.items():
        (tmp_path / word).mkdir()
        for number in range(count):
            (tmp_path / word / f"S{number % 118:03d}_001_{number:08d}.png").write_bytes(b"x")
    assert load(tmp_path, classes="eight").notes == ()
    (tmp_path / "fear" / "S000_001_00000000.png").rename(tmp_path / "anger" / "S200_001_00000000.png")
    note = load(tmp_path, classes="eight").notes[0]
    assert "74 fear where 75 are published" in note
    assert "136 angry where 135" in note
