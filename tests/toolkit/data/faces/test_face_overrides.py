"""Choices by hand: four forms, every mistake by its line, and nobody's work is written over."""

import numpy as np
import pytest

from msde_toolkit.data.faces.outcome import Outcome
from msde_toolkit.data.faces.overrides import Choice, check_none_is_lost, read_choices
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Face

KNOWN = frozenset({"a", "b", "folder/c.png"})
FACES = tuple(Face(np.array([[x, 10.0], [x + 9, 10.0]])) for x in (10.0, 50.0, 90.0))
PHOTO = Outcome(FACES, (200, 100))


@pytest.mark.parametrize(
    ("text", "kind", "numbers"),
    [
        ("2", "number", (2,)),
        (" 2.0 ", "number", (2,)),
        ("10,20,30,40", "box", (10, 20, 30, 40)),
        ("10.5; 20 ;30, 40", "box", (10.5, 20, 30, 40)),
        ("-5 20 30 40", "box", (-5, 20, 30, 40)),
        ("eyes 10,20,30,40", "eyes", (10, 20, 30, 40)),
        ("Eyes10,20,30,40", "eyes", (10, 20, 30, 40)),
        ("DROP", "drop", ()),
    ],
)
def test_forms(text, kind, numbers):
    choice = Choice.parse(text, "review.csv, line 2")
    assert (choice.kind, choice.numbers) == (kind, numbers)


@pytest.mark.parametrize(
    "text", ["x", "1,2,3", "1,2,3,4,5", "10,20,0,40", "10,20,30,-4", "-1", "two", "eyes 1,2", "1.5"]
)
def test_what_is_no_choice(text):
    with pytest.raises(InputError, match=r"review.csv, line 2: choice .* is not a face's number, a box"):
        Choice.parse(text, "review.csv, line 2")


def face(text, outcome=PHOTO):
    return Choice.parse(text, "review.csv, line 2").face(outcome)


def test_which_face_is_meant():
    assert face("3") is FACES[2]
    assert face("drop") is None
    assert face("1,1,50,50", Outcome(FACES[:1], (200, 100))) is FACES[0]
    assert face("1,1,50,50", Outcome((), (200, 100))) is None
    assert face("eyes 40,20,60,25").eyes.tolist() == [[40, 20], [60, 25]]
    assert face("eyes 60,25,40,20").eyes.tolist() == [[40, 20], [60, 25]]
    assert Choice.parse("1,2,3,4", "").hint.box == (1, 2, 3, 4)
    assert Choice.parse("2", "").hint is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4", "line 2: choice 4: the photo has 3 faces"),
        ("0", "line 2: choice 0: the photo has 3 faces"),
        ("eyes 40,20,400,25", "line 2: .* both in the photo of 200 x 100 pixels"),
        ("eyes 40,20,40,20", "line 2: .* two points are needed"),
    ],
)
def test_a_choice_that_does_not_fit_the_photo(text, message):
    with pytest.raises(InputError, match=message):
        face(text)


def test_none_of_no_faces():
    with pytest.raises(InputError, match="the photo has no face"):
        face("1", Outcome((), (200, 100)))


@pytest.fixture
def review(tmp_path):
    """``review(text)``: a file of that text."""

    def write(text, encoding="utf-8"):
        file = tmp_path / "review.csv"
        file.write_bytes(text.encode(encoding))
        return file

    return write


@pytest.mark.parametrize(
    "text",
    [
        'id,path,choice\na,x,2\nb,y,\nfolder/c.png,z,"1,2,3,4"\n',
        "\ufeffid;path;choice\r\na;x;2\r\nb;y;\r\nfolder/c.png;z;1,2,3,4\r\n",
        'Choice,ID\n2,a\n,b\n"1,2,3,4",folder/c.png\n',
    ],
)
def test_a_list_as_any_table_program_writes_it(review, text):
    choices = read_choices(review(text), KNOWN)
    assert {sample: choice.text for sample, choice in choices.items()} == {"a": "2", "folder/c.png": "1,2,3,4"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,choice\na,2\nq,1\n", "line 3: the dataset has no sample 'q'"),
        ("id,choice\na,2\nb,\na,1\n", r"line 4: sample 'a' has a choice already \(.*line 2\)"),
        ("id,choice\na,maybe\n", "line 2: choice 'maybe' is not"),
        ("id,path\na,2\n", "has no column choice"),
        ("", "has no column id"),
    ],
)
def test_a_wrong_list_is_told_by_its_line(review, text, message):
    with pytest.raises(InputError, match=message):
        read_choices(review(text), KNOWN)


def test_no_list(tmp_path, review):
    with pytest.raises(InputError, match="cannot be read as a review list"):
        read_choices(tmp_path / "none.csv", KNOWN)
    with pytest.raises(InputError, match="cannot be read as a review list"):
        read_choices(review("id,choice\nä,2\n", "latin-1"), KNOWN)


def test_choices_are_not_lost(review, tmp_path):
    file = review("id,choice\na,2\nb,\n")
    given = read_choices(file, KNOWN)
    check_none_is_lost(file, given, KNOWN)
    check_none_is_lost(tmp_path / "none.csv", {}, KNOWN)
    with pytest.raises(InputError, match=r"choices made by hand that would be lost \(the first: a\)"):
        check_none_is_lost(file, {}, KNOWN)
    with pytest.raises(InputError, match="of a form that cannot be read"):
        check_none_is_lost(review("id,choice\na,perhaps\n"), given, KNOWN)
