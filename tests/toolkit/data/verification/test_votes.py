"""Votes as files hold them."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msde_toolkit.data.verification import Votes, read_votes
from msde_toolkit.errors import DataError
from msde_toolkit.types import CLASSES, Manifest

few = settings(max_examples=50, deadline=None)


@pytest.fixture(scope="module")
def faces():
    frame = pd.DataFrame({"id": ["a", "b", "c"], "path": ["s1/a.png", "s1/b 1.png", "s2/a.png"], "label": [3, 4, 5]})
    return Manifest.from_frame(frame, "faces")


def csv(tmp_path, *lines, head="id,rater,label", name="votes.csv"):
    file = tmp_path / name
    file.write_bytes("\r\n".join([head, *lines]).encode("utf-8-sig"))
    return file


def test_numbers_words_and_no_class(tmp_path, faces):
    votes = read_votes(csv(tmp_path, "a,r1,3", "a,r2,", "b, r1 ,4", head="ID, Rater ,label"), faces)
    assert votes.counts.tolist() == [[0, 0, 0, 1, 0, 0, 0, 1], [0, 0, 0, 0, 1, 0, 0, 0], [0] * 8]
    assert votes.raters.tolist() == [2, 1, 0]
    assert votes.written(3) == 3
    words = read_votes(csv(tmp_path, "a,r1,Happy", "a,r2,angry"), faces)
    assert words.counts[0].tolist() == [0, 0, 0, 1, 0, 1, 0, 0]
    assert words.written(3) == "happy"
    assert words.written(None) is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("d,r1,3", r"line 3: the manifest has no sample 'd'\."),
        ("a,r1,3", r"line 3: rater 'r1' voted on 'a' before \(line 2\)\."),
        (",r1,3", "line 3: id is empty"),
        ("b,,3", "line 3: rater is empty"),
        ("b,r1,7", "line 3: label '7' is none of surprise, .* 0 to 6"),
        ("b,r1,joy", "line 3: label 'joy' is none of"),
        ("b,r1,-1", "line 3: label '-1' is none of"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, faces, line, says):
    with pytest.raises(DataError, match=rf"votes\.csv, {says}"):
        read_votes(csv(tmp_path, "a,r1,3", line), faces)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no column 'id'"),
        (b"id,label\na,3\n", "no column 'rater'"),
        (b"id,rater,label\n", "holds no votes"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_a_file_that_is_none(tmp_path, faces, content, says):
    file = tmp_path / "votes.csv"
    file.write_bytes(content)
    with pytest.raises(DataError, match=says):
        read_votes(file, faces)
    with pytest.raises(DataError, match="cannot be read"):
        read_votes(tmp_path / "none.csv", faces)


def task(image, *annotations, **data):
    return {"id": 7, "data": {"image": image, **data}, "annotations": list(annotations)}


def annotation(who, *choices, **more):
    result = (
        [{"type": "choices", "from_name": "e", "to_name": "i", "value": {"choices": list(choices)}}] if choices else []
    )
    return {"completed_by": who, "result": result, **more}


def export(tmp_path, *tasks):
    file = tmp_path / "export.json"
    file.write_text(json.dumps(tasks))
    return file


def test_label_studios_export(tmp_path, faces):
    tasks = [
        task(
            "/data/upload/3/0123abcd-b%201.png",
            annotation(1, "Sad"),
            annotation(2),
            annotation(3, "Happy", was_cancelled=True),
        ),
        task("https://images.example/a.png?x=1", annotation({"id": 4, "email": "d@example.org"}, "happy"), id="c"),
    ]
    votes = read_votes(export(tmp_path, *tasks), faces)
    assert votes.counts[1].tolist() == [0, 0, 0, 0, 1, 0, 0, 1]
    assert votes.counts[2].tolist() == [0, 0, 0, 1, 0, 0, 0, 0]
    assert sorted(votes.single["rater"]) == ["1", "2", "d@example.org"]
    assert votes.written(4) == "sad"


@pytest.mark.parametrize(
    ("tasks", "says"),
    [
        ([task("a.png", annotation(1, "happy"))], "task 7: its image 'a.png' is that of 2 samples"),
        ([task("x.png", annotation(1, "happy"))], "task 7: its image 'x.png' is that of 0 samples"),
        ([task("b 1.png", annotation(1, "happy", "sad"))], "several choices"),
        ([task("b 1.png", annotation(1, "joy"))], "label 'joy' is none of"),
        ([task("b 1.png", annotation(None, "happy"))], "does not say who made it"),
        ([{"data": 3, "annotations": []}], "task 1: "),
        ([3], "is no Label Studio export"),
    ],
)
def test_a_wrong_export_is_told(tmp_path, faces, tasks, says):
    with pytest.raises(DataError, match=says):
        read_votes(export(tmp_path, *tasks), faces)


def test_votes_that_are_only_counted():
    frame = pd.DataFrame({"id": ["a", "b"], "label": [0, 1], "votes": [[5, 0, 0, 0, 0, 0, 0, 3, 2], None]})
    votes = Votes.counted(Manifest.from_frame(frame, "faces"))
    assert votes.counts.tolist() == [[5, 0, 0, 0, 0, 0, 0, 5], [0] * 8]
    assert votes.single is None
    assert Votes.counted(Manifest.from_frame(frame.drop(columns="votes"), "faces")) is None
    with pytest.raises(DataError, match="votes of 'a' are not counts for 7 classes"):
        Votes.counted(Manifest.from_frame(frame.assign(votes=[[0.5] * 7, None]), "faces"))


@few
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["r1", "r2", 'ü,"3"']), st.sampled_from([*CLASSES, ""])),
        unique_by=lambda vote: vote[:2],
        min_size=1,
    )
)
def test_what_is_written_is_counted(tmp_path_factory, faces, votes):
    file = tmp_path_factory.mktemp("votes") / "votes.csv"
    pd.DataFrame(votes, columns=["id", "rater", "label"]).to_csv(file, index=False)
    counts = read_votes(file, faces).counts
    expected = np.zeros((3, 8), dtype=int)
    for sample, _, label in votes:
        expected["abc".index(sample), CLASSES.index(label) if label else 7] += 1
    assert np.array_equal(counts, expected)


FLAT = [
    {"annotation_id": 1, "annotator": 1, "expression": "Sad", "id": 9, "image": "/data/upload/3/0123abcd-b%201.png"},
    {"annotation_id": 2, "annotator": 2, "expression": None, "id": 9, "image": "/data/upload/3/0123abcd-b%201.png"},
    {"annotation_id": 3, "annotator": 1, "expression": "angry", "id": 10, "image": "s/c.png", "lead_time": 2.5},
]


@pytest.mark.parametrize("form", ["json-min", "csv"])
def test_label_studios_flat_exports(tmp_path, form):
    frame = pd.DataFrame({"id": ["9", "c"], "path": ["s1/b 1.png", "s2/c.png"], "label": [3, 4]})
    file = tmp_path / ("export.csv" if form == "csv" else "export.json")
    if form == "csv":
        pd.DataFrame(FLAT).to_csv(file, index=False)
    else:
        file.write_text(json.dumps(FLAT))
    votes = read_votes(file, Manifest.from_frame(frame, "faces"))
    assert votes.counts.tolist() == [[0, 0, 0, 0, 1, 0, 0, 1], [0, 0, 0, 0, 0, 1, 0, 0]]
    assert votes.written(4) == "sad"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"expression": "joy"}, "no column of this Label Studio export"),
        ({"second": "happy"}, r"several columns \(expression, second\)"),
        ({"image": "x.png"}, "entry 1: its image 'x.png' is that of 0 samples"),
    ],
)
def test_flat_exports_that_do_not_fit(tmp_path, faces, more, says):
    with pytest.raises(DataError, match=says):
        read_votes(export(tmp_path, {**FLAT[0], **more}), faces)
