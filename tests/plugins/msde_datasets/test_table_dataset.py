"""Tables: CSV and Parquet as people write them, labels as numbers or words, and a clear outcome for each bad row."""

import gzip
import time

import numpy as np
import pandas as pd
import pytest
from face_layouts import SEVEN, face, table
from hypothesis import given
from hypothesis import strategies as st

from msde_datasets.table import Table
from msde_datasets.table_cells import listed
from msde_toolkit import load_manifest
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.types import EIGHT, THREE, Manifest


def load(root, **options):
    return Table().load(root, Table.Options(**options))


def written(folder, *lines, name="t.csv", end="\n", prefix=b"", faces=6):
    """A CSV beside ``faces`` images 0.png, 1.png, ..."""
    for k in range(faces):
        face(folder / f"{k}.png", 10 * k)
    content = prefix + (end.join(lines) + end).encode()
    (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return folder / name


def test_rows_come_back_as_written(tmp_path):
    manifest = load(table(tmp_path))
    assert manifest.name == "manifest"
    assert manifest.root == tmp_path
    assert manifest.ids == tuple(f"i{k}" for k in range(14))
    assert manifest.labels.tolist() == [k % 7 for k in range(14)]
    assert manifest.frame["subject"].tolist() == ["s0"] * 7 + ["s1"] * 7
    assert Table().read(manifest.take([3]))[0][5, 5].tolist() == [3, 3, 3]
    assert manifest.notes == ()


@pytest.mark.parametrize(
    "form",
    [
        {"end": "\r\n"},
        {"prefix": b"\xef\xbb\xbf"},
        {"name": "t.csv.gz"},
        {"name": "T.CSV"},
        {"prefix": b"\xef\xbb\xbf", "end": "\r\n", "name": "t.tsv"},
    ],
)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_forms_of_a_csv(tmp_path, form, separator):
    rows = ["Path,LABEL, subject ,age", "0.png,happy,007,31", '"1.png", 4 ,NA,', "", "2.png,3.0, x ,5"]
    manifest = load(written(tmp_path, *(row.replace(",", separator) for row in rows), **form))
    assert manifest.labels.tolist() == [3, 4, 3]
    assert manifest.frame["subject"].tolist() == ["007", "NA", "x"], "text stays the text it is"
    assert manifest.ids == ("0.png", "1.png", "2.png"), "without an id, the path is it"
    assert manifest.frame["age"].tolist()[::2] == [31, 5], "further columns are kept, as numbers where they are"


def test_words_of_the_toolkit_and_of_others(tmp_path):
    file = written(
        tmp_path,
        "path,label,condition,split,pair",
        "0.png,Happiness,unmasked,Training,p",
        "1.png,happy,Masked,TRAIN,p",
        "2.png,sadness,,test,",
        "3.png,anger,scarf,val,",
    )
    manifest = load(file)
    assert manifest.frame["condition"].tolist() == ["nm", "m", "nm", "scarf"]
    assert manifest.frame["split"].tolist() == ["train", "train", "test", "validation"]
    assert manifest.labels.tolist() == [3, 3, 4, 5]
    assert manifest.pairs()["pair"].tolist() == ["p"]


@pytest.mark.parametrize(
    ("labels", "option", "classes"),
    [
        (["happy", "sad"], "auto", SEVEN),
        (["happy", "Contempt"], "auto", EIGHT),
        (["positive", "neg"], "auto", THREE),
        (["0", "6"], "auto", SEVEN),
        (["0", "7"], "eight", EIGHT),
        (["neutral", "1"], "three", THREE),
    ],
)
def test_which_classes(tmp_path, labels, option, classes):
    manifest = load(written(tmp_path, "path,label", *(f"{k}.png,{x}" for k, x in enumerate(labels))), classes=option)
    assert manifest.classes == classes


def test_classes_of_no_set(tmp_path):
    with pytest.raises(DataError, match="happy, positive together are no set"):
        load(written(tmp_path, "path,label", "0.png,happy", "1.png,positive"))


BAD = [
    ("0.png,7,", "label 7 is not one of 0 to 6"),
    ("0.png,-1,", "label -1 is not one of 0 to 6"),
    ("0.png,2.5,", "label is 2.5, expected an integer"),
    ("0.png,bored,", "label 'bored' is none of surprise, fear"),
    ("0.png,contempt,", "label 'contempt' is none of"),
    ("0.png,,", "label is empty"),
    (",3,", "path is empty"),
    ("9.png,3,", "no image '9.png'"),
    ("no/9.png,3,", "no folder 'no'"),
    ("/etc/9.png,3,", "is absolute"),
    (r"C:\9.png,3,", "is absolute"),
    ("../9.png,3,", "has '..' in it"),
    (r"sub\..\..\9.png,3,", "has '..' in it"),
    ("empty.png,3,", "holds no bytes"),
    ("out.png,3,", "leads out of the set's folder by a link"),
    ("linked/a.png,3,", "leads out of the set's folder by a link"),
    ("0.png,3", "2 cells, expected 3"),
    ("0.png,3,1,4", "4 cells, expected 3"),
    ("0.png,3,much", "weight is 'much', expected a number"),
    ("0.png,3,-1", "weight -1.0 is not a number of 0 or more"),
    ("1.png,3,", "id '1.png' occurs a second time"),
]


@pytest.mark.parametrize("cell", ['"s1', '"s1\ns2"'])
def test_a_quote_that_would_swallow_the_rows_below_is_named_by_its_line(tmp_path, cell):
    rows = [f"{k}.png,{k},s" for k in range(6)]
    rows[2] = f"2.png,2,{cell}"
    file = written(tmp_path, "path,label,subject", *rows)
    for on_bad in ("error", "skip"):
        with pytest.raises(DataError, match=r"t\.csv, line 4: a quoted cell goes on over the next line"):
            load(file, on_bad=on_bad)


@pytest.mark.parametrize(("row", "says"), BAD, ids=[says for _, says in BAD])
def test_a_bad_row_is_named_by_its_line(tmp_path, row, says):
    face(tmp_path / "elsewhere" / "a.png")
    folder = tmp_path / "set"
    face(folder / "sub" / "a.png")
    (folder / "empty.png").write_bytes(b"")
    (folder / "out.png").symlink_to(tmp_path / "elsewhere" / "a.png")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    rows = ["path,label,weight", "1.png,0,", "", row, "2.png,sad,0.5"]
    file = written(folder, *rows)
    with pytest.raises(DataError) as caught:
        load(file, classes="seven")
    assert f"{file}, line 4: " in str(caught.value)
    assert says in str(caught.value)
    manifest = load(file, classes="seven", on_bad="skip")
    assert manifest.ids == ("1.png", "2.png")
    assert manifest.notes[0].startswith("1 bad rows of t.csv left out (line 4: ")
    assert says in manifest.notes[0]


def test_bad_rows_are_told_in_numbers(tmp_path):
    rows = [f"{k}.png,{'9' if k % 2 else 'happy'}" for k in range(6)]
    with pytest.raises(DataError, match=r"line 3: label 9 .* and 2 more bad rows"):
        load(written(tmp_path, "path,label", *rows))
    for row in ("0.png,9", "9.png,happy"):
        with pytest.raises(DataError, match="none of its 1 rows can be used; line 2"):
            load(written(tmp_path, "path,label", row), on_bad="skip")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["path,subject", "0.png,a"], r"no column label \(it has path, subject\)"),
        (["name,age", "a,1"], "no column path and no column label"),
        (["path,label,Label", "0.png,1,1"], "two columns are named 'label'"),
        (["path,label"], "has a header but no rows"),
        ([""], "its first line must name the columns"),
        (["path,label", ",", ""], "has columns but no rows"),
    ],
)
def test_columns_and_rows_that_are_missing(tmp_path, lines, says):
    with pytest.raises(DataError, match=says):
        load(written(tmp_path, *lines))


def test_an_unnamed_index_is_left_out(tmp_path):
    for k in range(2):
        face(tmp_path / f"{k}.png")
    pd.DataFrame({"path": ["0.png", "1.png"], "label": [0, 1]}).to_csv(tmp_path / "t.csv")
    assert "" not in load(tmp_path).frame.columns


def test_paths_of_another_system_and_spelling(tmp_path):
    face(tmp_path / "Sub" / "A.PNG")
    file = written(tmp_path, "path,label", r"sub\a.png,0", "0.png,1")
    assert load(file).frame["path"].tolist() == ["Sub/A.PNG", "0.png"]
    assert load(file, check_files=False).frame["path"].tolist() == ["sub/a.png", "0.png"]


def test_images_may_be_elsewhere(tmp_path):
    face(tmp_path / "photos" / "0.png")
    (tmp_path / "lists").mkdir()
    file = written(tmp_path / "lists", "path,label", "0.png,1", faces=0)
    with pytest.raises(DataError, match=r"no image '0\.png'"):
        load(file)
    manifest = load(file, images=tmp_path / "photos")
    assert Table().read(manifest)[0].shape == (8, 8, 3)
    with pytest.raises(InputError, match="is no folder"):
        load(file, images=tmp_path / "none")
    unchecked = load(file, check_files=False)
    with pytest.raises(DataError, match="no such image"):
        Table().read(unchecked)


def test_a_line_of_a_csv_of_pixels_is_an_image(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (48, 48))
    row = " ".join(map(str, pixels.ravel()))
    (tmp_path / "fer.csv").write_text(f"emotion,pixels,Usage\n0,{row},Training\n")
    file = written(tmp_path, "path,label", "fer.csv#2,angry", "0.png,sad", "gone.csv#2,sad", faces=1)
    with pytest.raises(DataError, match=r"line 4: no image 'gone\.csv'"):
        load(file)
    manifest = load(file, on_bad="skip")
    face_of_line, image = Table().read(manifest)
    assert np.array_equal(face_of_line, np.repeat(pixels[..., None], 3, axis=2))
    assert image.shape == (8, 8, 3)
    with pytest.raises(DataError, match=r"fer\.csv#9: no usable face"):
        Table().read(load(written(tmp_path, "path,label", "fer.csv#9,angry")))


@given(
    st.lists(st.floats(-1e6, 1e6), max_size=6),
    st.sampled_from([", ", " ", ";", ","]),
    st.sampled_from(["{}", "[{}]", "({})"]),
)
def test_lists_in_cells(numbers, separator, brackets):
    assert listed(brackets.format(separator.join(map(repr, numbers)))) == numbers
    assert listed("wide") == "wide"


def test_boxes_and_soft_targets(tmp_path):
    file = written(
        tmp_path,
        "path,label,box,target",
        '0.png,1,"[1, 2, 30, 40]",0 1 1 0 0 0 0',
        "1.png,1,,",
        "2.png,1,wide,",
        "3.png,1,,1 2",
    )
    manifest = load(file, on_bad="skip")
    assert manifest.frame["box"].tolist() == [[1, 2, 30, 40], None]
    assert manifest.targets()[0].tolist() == [0, 0.5, 0.5, 0, 0, 0, 0]
    assert "line 4: box is 'wide', expected a list of numbers" in manifest.notes[0]
    assert "line 5: target [1.0, 2.0] is not 7 shares" in manifest.notes[0]


def test_a_saved_manifest_comes_back_whole(tmp_path):
    for k in range(2):
        face(tmp_path / f"{k}.png")
    frame = pd.DataFrame(
        {
            "id": ["a", "b"],
            "path": ["0.png", "1.png"],
            "label": [1, 7],
            "box": [[1.0, 2, 3, 4], None],
            "age": [3, 4],
        }
    )
    manifest = Manifest.from_frame(frame, "mine", classes=EIGHT, licence="open", notes=["noted"])
    manifest.save(tmp_path / "m.parquet")
    again = load(tmp_path)
    assert again.content_hash() == manifest.content_hash() == load_manifest(tmp_path / "m.parquet").content_hash()
    assert (again.name, again.classes, again.licence, again.notes) == ("mine", EIGHT, "open", ("noted",))
    (tmp_path / "1.png").unlink()
    with pytest.raises(DataError, match=r"m\.parquet, row 2: no image '1\.png'"):
        load(tmp_path)


def test_parquet_of_other_programs(tmp_path):
    for k in range(3):
        face(tmp_path / f"{k}.png")
    frame = pd.DataFrame({"Path": [f"{k}.png" for k in range(3)], "label": pd.Categorical(["happy", "sad", "happy"])})
    frame.to_parquet(tmp_path / "t.parquet")
    assert load(tmp_path).labels.tolist() == [3, 4, 3]
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        load(tmp_path)


def test_files_that_are_no_table(tmp_path):
    with pytest.raises(InputError, match="must hold one table"):
        load(tmp_path)
    with pytest.raises(InputError, match="is no table"):
        load(face(tmp_path / "a.png"))
    file = written(tmp_path, "path,label", "0.png,1")
    written(tmp_path, "path,label", "0.png,1", name="u.csv")
    with pytest.raises(InputError, match=r"it has t\.csv, u\.csv"):
        load(tmp_path)
    file.write_bytes(b"path,label\n\xff.png,1\n")
    with pytest.raises(DataError, match=r"cannot be read as CSV .*UTF8"):
        load(file)
    file.write_bytes(b"path,label\n\x00\x01")
    with pytest.raises(DataError):
        load(file)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"path,label\n0.png,1\n" * 99)[:-9])
    with pytest.raises(DataError, match="cannot be read to its end"):
        load(tmp_path / "t.csv.gz")


def test_a_set_of_affectnets_size_loads_in_seconds(tmp_path):
    rows, files = 450_000, 50
    for k in range(files):
        face(tmp_path / f"{k}.png")
    number = np.arange(rows)
    frame = pd.DataFrame({"id": number, "path": number % files, "label": number % 7, "subject": number % 5000})
    frame["path"] = frame["path"].map("{}.png".format)
    frame["label"] = np.array([*SEVEN[:6], "contentment"])[number % 7]
    frame.to_csv(tmp_path / "large.csv", index=False)
    start = time.process_time()
    manifest = load(tmp_path, on_bad="skip")
    seconds = time.process_time() - start
    bad = int((number % 7 == 6).sum())
    assert len(manifest) == rows - bad
    assert manifest.notes[0].startswith(f"{bad} bad rows of large.csv left out (line 8: label 'contentment' is none")
    assert seconds < 8
