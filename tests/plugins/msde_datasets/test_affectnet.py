import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published_layouts import AFFECTNET_HEADER, POINTS, affectnet_2021, affectnet_csv, affectnet_row, picture, text

import msde_toolkit as msde
from msde_datasets.affectnet import AffectNet
from msde_datasets.affectnet_csv import parse_landmarks
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.types import EIGHT, SEVEN

FILE_ORDER = ["neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt"]


def load(root, **options):
    return AffectNet().load(root, AffectNet.Options(**options))


def words(manifest):
    return [manifest.classes[label] for label in manifest.labels]


def training(root, lines, *, header=AFFECTNET_HEADER, images=("1/a.jpg", "1/b.jpg", "1/c.jpg"), **form):
    for name in images:
        picture(root / name)
    return text(root / "training.csv", [header, *lines] if header else lines, **form)


def test_both_files_with_and_without_a_header(tmp_path):
    manifest = load(affectnet_csv(tmp_path))
    assert words(manifest) == FILE_ORDER * 2
    assert manifest.classes == EIGHT
    assert Counter(manifest.frame["split"]) == {"train": 8, "test": 8}
    row = manifest.frame.iloc[1]
    assert row["path"] == f"689/{1:056x}.jpg"
    assert row["id"] == f"affectnet-train-689-{1:056x}.jpg"
    assert row["box"] == [134, 134, 899, 899]
    assert row["landmarks"] is None
    images = AffectNet().read(manifest.take([9, 1]))
    assert [np.median(image) for image in images] == pytest.approx([5, 5], abs=2)


def test_a_quote_changes_nothing_and_swallows_no_rows(tmp_path):
    quoted = ",".join(f'"{cell}"' for cell in affectnet_row("1/a.jpg", 1).split(","))
    training(tmp_path, [quoted, '"' + affectnet_row("1/b.jpg", 2), affectnet_row("1/c.jpg", 3)])
    manifest = load(tmp_path, landmarks=True)
    assert words(manifest) == ["happy", "sad", "surprise"]
    assert manifest.frame["box"].tolist() == [[134, 134, 899, 899]] * 3


def test_valence_and_arousal_are_columns_and_unknown_where_the_set_says_so(tmp_path):
    cells = ["0.5,-1", "-2,-2", "NULL,0.25"]
    lines = [f"1/{name}.jpg,0,0,8,8,{POINTS},1,{cell}" for name, cell in zip("abc", cells, strict=True)]
    training(tmp_path, lines)
    frame = load(tmp_path).frame
    assert frame["valence"].tolist() == pytest.approx([0.5, np.nan, np.nan], nan_ok=True)
    assert frame["arousal"].tolist() == pytest.approx([-1, np.nan, 0.25], nan_ok=True)
    training(tmp_path, ["1/a.jpg,1"], header="subDirectory_filePath,expression")
    assert load(tmp_path).frame["valence"].isna().all()


def test_rows_without_an_expression_and_other_counts_are_told(tmp_path):
    assert load(affectnet_csv(tmp_path)).notes == (
        "3 rows of training.csv left out: none 1, uncertain 1, no face 1",
        "3 rows of validation.csv left out: none 1, uncertain 1, no face 1",
        "287,651 train images expected, 8 found",
        "4,000 test images expected, 8 found",
    )


@pytest.mark.parametrize("layout", [affectnet_csv, affectnet_2021])
def test_seven_classes_leave_contempt_out(tmp_path, layout):
    manifest = load(layout(tmp_path), classes="seven")
    assert manifest.classes == SEVEN
    assert words(manifest) == FILE_ORDER[:7] * 2
    assert "2 images of contempt left out" in manifest.notes


@pytest.mark.parametrize("layout", [affectnet_csv, affectnet_2021])
def test_landmarks_are_filled_in_when_asked_for(tmp_path, layout):
    manifest = load(layout(tmp_path), landmarks=True)
    assert all(len(points) == 136 for points in manifest.frame["landmarks"])
    assert manifest.frame["landmarks"].iat[9][:2] == ([0.25, 1.25] if layout is affectnet_csv else [0.5, 1.5])


def test_the_form_of_2021(tmp_path):
    manifest = load(affectnet_2021(tmp_path, rows=13))
    assert manifest.ids[:2] == ("affectnet-train-0", "affectnet-train-1")
    assert manifest.ids[8] == "affectnet-train-11", "by number, not by name"
    assert words(manifest)[:10] == [*FILE_ORDER, "neutral", "happy"]
    assert Counter(manifest.frame["split"]) == {"train": 10, "test": 10}
    assert manifest.frame["path"].iat[19] == "val_set/images/12.jpg"
    assert "3 rows of train_set left out: none 1, uncertain 1, no face 1" in manifest.notes
    assert "3,999 validation images expected, 10 found" in manifest.notes
    assert np.median(AffectNet().read(manifest.take([19]))[0]) == pytest.approx(60, abs=2)


@pytest.mark.parametrize(
    "value", [np.array("3"), np.array(["3"]), np.array(3), np.array(3.0), np.array(b"3").astype("U")]
)
def test_an_expression_may_be_text_or_a_number(tmp_path, value):
    affectnet_2021(tmp_path, rows=1)
    np.save(tmp_path / "train_set" / "annotations" / "0_exp.npy", value)
    assert words(load(tmp_path))[0] == "surprise"


def test_what_is_wrong_in_the_form_of_2021_is_named_or_left_out(tmp_path):
    affectnet_2021(tmp_path, rows=9)
    folder = tmp_path / "train_set"
    arrays = folder / "annotations"
    np.save(arrays / "0_exp.npy", np.array("11"))
    (arrays / "1_exp.npy").unlink()
    (folder / "images" / "2.jpg").unlink()
    (arrays / "3_exp.npy").write_bytes((arrays / "3_exp.npy").read_bytes()[:-2])
    (folder / "images" / "4.jpg").write_bytes(b"")
    np.save(arrays / "5_exp.npy", np.array(["1", "2"]))
    np.save(arrays / "6_lnd.npy", np.arange(135))
    np.save(arrays / "7_exp.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(DataError, match=re.escape(f"{folder}, sample 0: expression '11' is not one of 0 to 10")):
        load(tmp_path)
    with pytest.raises(DataError, match="none of its 8 rows can be used"):
        load(tmp_path, on_bad="skip", landmarks=True)
    picture(folder / "images" / "100.jpg")
    np.save(arrays / "100_exp.npy", np.array("1"))
    manifest = load(tmp_path, on_bad="skip")
    assert [sample for sample in manifest.ids if "train" in sample] == ["affectnet-train-6", "affectnet-train-100"]
    assert manifest.notes[0] == (
        "7 bad rows of train_set left out ("
        "sample 0: expression '11' is not one of 0 to 10; "
        "sample 1: no annotations/1_exp.npy; "
        "sample 2: no image '2.jpg' in images; "
        "sample 3: annotations/3_exp.npy is no NumPy array, or not a whole one; "
        "sample 4: image '4.jpg' holds no bytes; "
        "sample 5: expression 'array of 2' is not one of 0 to 10; "
        "sample 7: annotations/7_exp.npy is no NumPy array, or not a whole one)"
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (affectnet_row("1/b.jpg", 11), "expression '11' is not one of 0 to 10"),
        (affectnet_row("1/b.jpg", ""), "expression '' is not one of 0 to 10"),
        (affectnet_row("1/b.jpg", "happy"), "expression 'happy' is not one of 0 to 10"),
        (affectnet_row("1/d.jpg", 1), "no image '1/d.jpg'"),
        (affectnet_row("2/a.jpg", 1), "no folder '2'"),
        (affectnet_row("/1/b.jpg", 1), "path '/1/b.jpg' is absolute"),
        (affectnet_row("../1/b.jpg", 1), "has '..' in it"),
        (affectnet_row("", 1), "no image named"),
        (affectnet_row("1/a.jpg", 1), "image '1/a.jpg' stands there a second time"),
        (affectnet_row("1/empty.jpg", 1), "image '1/empty.jpg' holds no bytes"),
        (affectnet_row("1/b.jpg", 1, box="134,134,NULL,899"), "box '134, 134, NULL, 899' is not"),
        (affectnet_row("1/b.jpg", 1, box="134,134,0,899"), "box '134, 134, 0, 899' is not"),
        (affectnet_row("1/b.jpg", 1, points="1;2;3"), "landmarks are '1;2;3' with 3 numbers, expected 136"),
        ("1/b.jpg,1,2,3", "4 cells, expected 9"),
    ],
)
def test_a_bad_row_is_named_or_left_out(tmp_path, line, why):
    # An empty line and one that is no sample stand before it: line numbers are those of the file.
    lines = [affectnet_row("1/a.jpg", 1), "", affectnet_row("9/none.jpg", 8), line, affectnet_row("1/c.jpg", 2)]
    file = training(tmp_path, lines)
    (tmp_path / "1" / "empty.jpg").touch()
    with pytest.raises(DataError, match=re.escape(f"{file}, line 5: ") + ".*" + re.escape(why)):
        load(tmp_path, landmarks=True)
    manifest = load(tmp_path, landmarks=True, on_bad="skip")
    assert words(manifest) == ["happy", "sad"]
    assert why in manifest.notes[0]


def test_bad_rows_are_told_in_the_order_of_the_file(tmp_path):
    lines = [affectnet_row("1/a.jpg", 99), "too,short", affectnet_row("1/b.jpg", 1), affectnet_row("1/d.jpg", 1)]
    training(tmp_path, lines)
    note = load(tmp_path, on_bad="skip").notes[0]
    assert re.findall(r"line \d", note) == ["line 2", "line 3", "line 5"]


@pytest.mark.parametrize("form", [{"end": "\r\n"}, {"bom": True}, {"last": False}])
@pytest.mark.parametrize("header", [AFFECTNET_HEADER, AFFECTNET_HEADER.upper(), None])
def test_line_ends_marks_and_headers_may_differ(tmp_path, form, header):
    rows = [affectnet_row("1/a.jpg", 0), affectnet_row(" 1\\B.JPG ", " 7", box=" 1, 2,3,4.0 ")]
    training(tmp_path, rows, header=header, **form)
    manifest = load(tmp_path)
    assert manifest.frame["box"].tolist() == [[134, 134, 899, 899], [1, 2, 3, 4]]
    assert manifest.frame["path"].tolist() == ["1/a.jpg", "1/b.jpg"]
    assert words(manifest) == ["neutral", "contempt"]


def test_columns_are_found_by_name(tmp_path):
    training(tmp_path, ["6,9.5,1/a.jpg"], header="expression,valence,subDirectory_filePath")
    manifest = load(tmp_path)
    assert words(manifest) == ["angry"]
    assert manifest.frame["box"].iat[0] is None


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("subDirectory_filePath,valence", "line 1: no column expression (it has subdirectory_filepath, valence)"),
        ("subDirectory_filePath,expression,face_x", "line 1: no column face_y and no face_width and no face_height"),
        ("path,label", "line 1: neither a header nor a row of the columns subdirectory_filepath, face_x"),
        ("", "empty; expected columns"),
    ],
)
def test_a_file_of_other_columns_is_refused(tmp_path, header, why):
    file = text(tmp_path / "training.csv", [header])
    with pytest.raises(DataError, match=re.escape(f"{file}") + ".*" + re.escape(why)):
        load(tmp_path)


def test_a_file_that_is_no_text_and_one_without_rows_are_refused(tmp_path):
    file = tmp_path / "training.csv"
    file.write_bytes(
        AFFECTNET_HEADER.encode() + b"\n\xff\xfe,1\n" + affectnet_row("\udcff", 1).encode("utf-8", "surrogateescape")
    )
    with pytest.raises(DataError, match=re.escape(str(file))):
        load(tmp_path)
    text(file, [AFFECTNET_HEADER])
    with pytest.raises(DataError, match="holds no rows"):
        load(tmp_path)
    with pytest.raises(InputError, match="must be the folder with training"):
        load(tmp_path / "empty")


@pytest.mark.parametrize("below", ["Manually_Annotated_Images", "manually_annotated/Manually_Annotated_Images"])
def test_lists_and_images_may_stand_in_folders_of_their_own(tmp_path, below):
    picture(tmp_path / below / "1" / "a.jpg")
    text(tmp_path / "Manually_Annotated_file_lists" / "training.csv", [AFFECTNET_HEADER, affectnet_row("1/a.jpg", 1)])
    manifest = load(tmp_path)
    assert manifest.frame["path"].tolist() == [f"{below}/1/a.jpg"]
    assert manifest.ids == ("affectnet-train-1-a.jpg",)


@settings(max_examples=20)
@given(st.lists(st.floats(0, 4000).map(lambda value: round(value, 2)), min_size=136, max_size=136))
def test_landmarks_come_back_as_written(numbers):
    assert parse_landmarks(";".join(map(str, numbers))) == numbers


@given(st.text(";0123456789.naif", max_size=60))
def test_other_landmarks_are_refused_in_words(cell):
    with pytest.raises(ValueError, match="expected 136"):
        parse_landmarks(cell)
    with pytest.raises(ValueError, match="expected 136"):
        parse_landmarks(POINTS.replace("7.25", "nan", 1))


def test_a_run_on_its_own_split(tiny, tmp_path):
    root = affectnet_csv(tmp_path / "affectnet")
    train = {"epochs": 1, "image_size": 32}
    config = msde.RunConfig.create(model=tiny, loss="ce", data="affectnet", root=root, set_train=train)
    result = msde.run(config, out=tmp_path / "run")
    assert result.summary["metrics"]["nm"]["n"] == 8
    assert msde.open_run(tmp_path / "run").classes == EIGHT
