"""The manifest: what it refuses, what it fills in, and that it survives being written and read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msde_toolkit import load_manifest
from msde_toolkit.errors import DataError
from msde_toolkit.types import CLASSES, Manifest

few = settings(max_examples=25, deadline=None)
NAMES = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters=[chr(n) for n in (*range(32), 127)]), min_size=1
)
"""What a subject, a pair or a sample may be called."""
CONTROL = st.sampled_from([chr(n) for n in (*range(32), 127)])
CLEAN = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\:."), min_size=1, max_size=8)


def manifest(name="some", classes=CLASSES, **columns) -> Manifest:
    rows = len(next(iter(columns.values())))
    columns = {"id": [f"i{row}" for row in range(rows)], "label": [0] * rows, **columns}
    return Manifest.from_frame(pd.DataFrame(columns), name, classes=classes)


@st.composite
def manifests(draw) -> Manifest:
    """Anything a careful dataset could give: nulls everywhere, lists, columns of its own, rows in any order."""
    ids = draw(st.lists(NAMES, unique=True, max_size=12))
    rows = len(ids)

    def column(cells):
        return draw(st.lists(cells, min_size=rows, max_size=rows))

    pairs = column(st.none() | st.sampled_from(["p1", "p2", "p3"]))
    conditions = column(st.sampled_from(["nm", "m", "scarf"]))
    taken: set[tuple[str | None, str]] = set()
    for row in range(rows):
        key = (pairs[row], conditions[row])
        pairs[row] = None if key in taken else pairs[row]
        taken.add(key)
    shares = st.lists(st.floats(0, 1e6), min_size=7, max_size=7).filter(sum)
    frame = pd.DataFrame(
        {
            "id": ids,
            "label": column(st.integers(0, 6)),
            "subject": pd.Series(column(st.none() | NAMES), dtype=object),
            "pair": pd.Series(pairs, dtype=object),
            "condition": conditions,
            "target": pd.Series(column(st.none() | shares), dtype=object),
            "landmarks": pd.Series(column(st.none() | st.lists(st.floats(-9, 999))), dtype=object),
            "weight": column(st.floats(0, 10)),
            "requested_label": pd.array(column(st.none() | st.integers(0, 6)), dtype="Int64"),
            "mask_path": pd.Series(column(st.none() | CLEAN), dtype=object),
            "age": column(st.none() | st.integers(1, 99)),
            "glasses": column(st.booleans()),
            "tags": pd.Series(column(st.none() | st.lists(NAMES, max_size=2)), dtype=object),
        }
    )
    return Manifest.from_frame(frame, draw(NAMES), synthetic=draw(st.booleans()), notes=["drawn"])


# What it refuses


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": ["a", "b", "a"]}, r"^some, row 3: id 'a' occurs a second time\.$"),
        ({"id": ["a", ""]}, r"^some, row 2: id None is empty\.$"),
        ({"id": ["a", None]}, r"^some, row 2: id None is empty\.$"),
        ({"id": [1, 1.0]}, r"^some, row 2: id '1' occurs a second time\.$"),
        ({"label": [0, 7]}, r"^some, row 2: label 7 is not one of 0 to 6\.$"),
        ({"label": [0, -1]}, r"^some, row 2: label -1 is not one of 0 to 6\.$"),
        ({"label": [0, None]}, r"^some, row 2: label <NA> is not one of 0 to 6\.$"),
        ({"label": [0, 2.5]}, r"^some, row 2: label is 2\.5, expected an integer\.$"),
        ({"label": ["0", "happy"]}, r"^some, row 2: label is 'happy', expected an integer\.$"),
        ({"label": [0, [1]]}, r"^some, row 2: label is \[1\], expected an integer\.$"),
        ({"label": [0, float("inf")]}, r"^some, row 2: label is inf, expected an integer\.$"),
        ({"label": [0, 2**70]}, r"^some, row 2: label is 1180591620717411303424, expected an integer\.$"),
        ({"weight": [0.5, "heavy"]}, r"^some, row 2: weight is 'heavy', expected a number\.$"),
        ({"weight": [0.5, -0.5]}, r"^some, row 2: weight -0\.5 is not a number of 0 or more\.$"),
        ({"weight": [1, float("inf")]}, r"^some, row 2: weight inf is not a number of 0 or more\.$"),
        ({"votes": [[1, 2], "1 2"]}, r"^some, row 2: votes is '1 2', expected a list of numbers\.$"),
        ({"votes": [[1, 2], 3]}, r"^some, row 2: votes is 3, expected a list of numbers\.$"),
        ({"votes": [[1, 2], ["x"]]}, r"^some, row 2: votes is \['x'\], expected a list of numbers\.$"),
        ({"target": [[1] * 7, [1] * 6]}, r"^some, row 2: target .* is not 7 shares\.$"),
        ({"target": [[0] * 7]}, r"^some, row 1: target .* is not 7 shares\.$"),
        ({"target": [[1, -1, 1, 1, 1, 1, 1]]}, r"^some, row 1: target .* is not 7 shares\.$"),
        ({"target": [[1, float("nan"), 1, 1, 1, 1, 1]]}, r"^some, row 1: target .* is not 7 shares\.$"),
        ({"target": [[1e308] * 7]}, r"^some, row 1: target .* is not 7 shares\.$"),
        ({"pair": ["p", "p"]}, r"^some, row 2: pair 'p' has two samples of the same condition\.$"),
        ({"id": pd.Series(["a", "\udce9"], dtype=object)}, r"^some, row 2: id is '\\udce9', expected Unicode text\.$"),
        ({"age": [1, "old"]}, r"^some: column 'age' cannot be stored; its cells must be of one type\.$"),
    ],
)
def test_the_first_wrong_row_is_named(columns, message):
    with pytest.raises(DataError, match=message):
        manifest(**columns)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"label": [0]}), r"no column 'id' \(it has label\)"),
        (pd.DataFrame({"id": ["a"]}), r"no column 'label' \(it has id\)"),
        (pd.DataFrame([["a", 0, 1]], columns=["id", "label", "label"]), "columns must have names, each its own"),
        (pd.DataFrame({"id": ["a"], "label": [0], 7: [1]}), "columns must have names, each its own"),
    ],
)
def test_the_columns_are_checked(frame, message):
    with pytest.raises(DataError, match=message):
        Manifest.from_frame(frame, "some")


@few
@given(CLEAN, CLEAN, st.sampled_from(["path", "mask_path"]), st.sampled_from("/\\"))
def test_no_path_leaves_the_root(folder, file, column, slash):
    for path in (
        "..",
        f"..{slash}{file}",
        f"{folder}{slash}..{slash}..{slash}{file}",
        f"{folder}{slash}..",
        f"{slash}{file}",
        f"{slash}{slash}{folder}{slash}{file}",
        f"C:{file}",
        f"C:{slash}{file}",
    ):
        with pytest.raises(DataError, match=r"row 2: (mask_)?path .*leaves the dataset's root"):
            manifest(**{column: ["good.png", path]})
    for path in (file, f"{folder}{slash}{file}", f"{folder}/..{file}", f"{folder}../{file}", f"./{file}", f"...{file}"):
        assert manifest(**{column: [path]}).frame[column].tolist() == [path]


@few
@given(st.sampled_from(["id", "path", "subject", "condition", "pair", "split", "mask_path"]), NAMES, CONTROL)
def test_names_hold_no_control_character(column, text, control):
    with pytest.raises(DataError, match=rf"row 1: {column} .* holds control characters"):
        manifest(**{column: [f"{text}{control}x"]})


@few
@given(st.integers(-3, 12), st.integers(2, 9))
def test_labels_are_indices_of_the_classes(label, classes):
    names = [f"class {n}" for n in range(classes)]
    if 0 <= label < classes:
        assert manifest(label=[label], classes=names).labels.tolist() == [label]
    else:
        with pytest.raises(DataError, match=f"is not one of 0 to {classes - 1}"):
            manifest(label=[label], classes=names)


# What it fills in


def test_what_is_left_out_is_filled_in():
    frame = manifest(id=["a", "b"]).frame
    assert frame["condition"].tolist() == ["nm", "nm"]
    assert frame["weight"].tolist() == [1.0, 1.0]
    assert frame["path"].tolist() == ["", ""]
    assert frame["dataset"].tolist() == ["some", "some"]
    for column in ("subject", "pair", "split", "target", "landmarks", "mask_path", "consent"):
        assert frame[column].tolist() == [None, None]


def test_null_is_none_whatever_else_the_column_holds():
    table = manifest(
        mask_path=["a.png", None, float("nan"), pd.NA, ""],
        subject=[1.0, float("nan"), 2.5, "", None],
        box=[[1, 2, 3, 4], None, np.array([1, 2, 3, 4]), float("nan"), (1, 2, 3, 4)],
        condition=["m", "", None, "nm", "m"],
    ).frame
    assert table["mask_path"].tolist() == ["a.png", None, None, None, None]
    assert table["subject"].tolist() == ["1", None, "2.5", None, None], "1.0 is an integer beside a missing value"
    assert table["box"].tolist() == [[1.0, 2.0, 3.0, 4.0], None, [1.0, 2.0, 3.0, 4.0], None, [1.0, 2.0, 3.0, 4.0]]
    assert table["condition"].tolist() == ["m", "nm", "nm", "nm", "m"]


@pytest.mark.parametrize("frame", [pd.DataFrame({"id": [], "label": []}), pd.DataFrame([])])
def test_no_rows(frame):
    empty = Manifest.from_frame(frame, "some")
    assert len(empty) == 0
    assert not empty.has_subjects
    assert empty.pairs().columns.tolist() == ["pair", "nm", "m"]
    assert empty.targets().shape == (0, 7)
    assert empty.conditions == empty.split_names == empty.ids == ()


def test_soft_targets_sum_to_one_and_others_are_one_hot():
    soft = [[1, 3, 0, 0, 0, 0, 0], None, [1e-46] * 7, [3e305] * 7]
    targets = manifest(label=[1, 6, 0, 0], target=soft).targets()
    assert targets.dtype == np.float32
    assert targets[0].tolist() == [0.25, 0.75, 0, 0, 0, 0, 0]
    assert targets[1].tolist() == [0, 0, 0, 0, 0, 0, 1]
    assert targets[2:] == pytest.approx(np.full((2, 7), 1 / 7))


@few
@given(manifests())
def test_pairs_are_the_complete_ones(some):
    found = some.pairs()
    for condition in ("nm", "m"):
        rows = some.take(found[condition].to_numpy()).frame
        assert rows["condition"].eq(condition).all()
        assert rows["pair"].tolist() == found["pair"].tolist()
    by_condition = [set(some.frame["pair"][some.frame["condition"] == word].dropna()) for word in ("nm", "m")]
    assert set(found["pair"]) == by_condition[0] & by_condition[1]
    appearance = list(dict.fromkeys(some.frame["pair"].dropna()))
    assert found["pair"].tolist() == [pair for pair in appearance if pair in set(found["pair"])]


@few
@given(manifests())
def test_groups_are_subject_else_pair_else_sample(some):
    groups = some.groups()
    subjects, pairs = some.frame["subject"].tolist(), some.frame["pair"].tolist()
    for row, group in enumerate(groups):
        if subjects[row] is not None:
            assert group == subjects[row]
        elif pairs[row] is None:
            assert group == f"id:{some.ids[row]}"
        else:
            partners = [subjects[other] for other, pair in enumerate(pairs) if pair == pairs[row]]
            known = [subject for subject in partners if subject is not None]
            assert group == (known[0] if known else f"pair:{pairs[row]}")
    assert some.has_subjects == (len(some) > 0 and None not in subjects)


# Taking rows


@few
@given(manifests(), st.data())
def test_rows_are_taken_by_number_and_by_mask(some, data):
    rows = data.draw(st.lists(st.integers(0, len(some) - 1), unique=True) if len(some) else st.just([]))
    taken = some.take(rows)
    assert taken.ids == tuple(some.ids[row] for row in rows)
    assert taken.frame.index.tolist() == list(range(len(rows)))
    assert some.take([row in rows for row in range(len(some))]).ids == tuple(some.ids[row] for row in sorted(rows))
    assert some.rows_of(taken.ids).tolist() == rows
    with pytest.raises(DataError, match=r"no sample 'nobody\\x00' in the manifest \(1 unknown ids\)"):
        some.rows_of(sample for sample in [*some.ids, "nobody\0"])


# Hash and file


def same(one: Manifest, other: Manifest) -> None:
    assert one.frame.columns.tolist() == other.frame.columns.tolist()
    for column in one.frame.columns:
        for left, right in zip(one.frame[column], other.frame[column], strict=True):
            if isinstance(left, list) or isinstance(right, (list, np.ndarray)):
                assert left is not None
                assert list(left) == list(right), column
            else:
                assert (pd.isna(left) and pd.isna(right)) or left == right, column
    for fact in ("name", "classes", "licence", "synthetic", "notes"):
        assert getattr(one, fact) == getattr(other, fact)
    assert one.content_hash() == other.content_hash()


@few
@given(some=manifests())
def test_a_manifest_survives_its_file(tmp_path_factory, some):
    file = tmp_path_factory.getbasetemp() / "round-trip.parquet"
    some.save(file)
    read = load_manifest(file)
    same(some, read)
    assert read.root == file.parent
    assert load_manifest(str(file), root=Path("elsewhere")).root == Path("elsewhere")
    read.save(file)
    same(some, load_manifest(file))


@few
@given(manifests(), st.randoms(use_true_random=False))
def test_the_hash_knows_cells_not_columns_order_or_number_types(some, random):
    columns = some.frame.columns.tolist()
    random.shuffle(columns)
    frame = some.frame[columns].astype({"label": "float64", "glasses": "object", "weight": "object"})
    frame["age"] = pd.array([None if pd.isna(age) else int(age) for age in some.frame["age"]], dtype="Int64")
    again = Manifest.from_frame(frame, some.name, licence="other", notes=["other"])
    assert again.content_hash() == some.content_hash()


@pytest.mark.parametrize(
    "change",
    [
        {"id": ["a", "c"]},
        {"label": [0, 2]},
        {"subject": ["s", "u"]},
        {"age": [3, 4]},
        {"age": [3, None]},
        {"landmarks": [[1.0, 2.0], [1.0, 2.5]]},
        {"landmarks": [[1.0, 2.0], None]},
        {"name": "other"},
        {"classes": (*CLASSES[:6], "calm")},
        {"more": [None, None]},
    ],
)
def test_the_hash_changes_with_every_cell(change):
    columns = {"label": [0, 1], "subject": ["s", "t"], "age": [3, 5], "landmarks": [[1.0, 2.0], [3.0, 4.0]]}
    columns |= {"id": ["a", "b"], "name": "some", "classes": CLASSES}
    assert manifest(**columns).content_hash() != manifest(**(columns | change)).content_hash()


def test_the_hash_is_the_same_on_every_machine():
    columns = {
        "id": ["a", "b"],
        "label": [0, 1],
        "subject": ["s", None],
        "landmarks": [[0.1, 2.0], None],
        "age": [3, 4],
    }
    assert manifest(**columns).content_hash() == GOLDEN


GOLDEN = "6382ede3c16c7204281d5d8aace2afc9e4cc537f25c0e6264478fc11f9b0a59e"


@pytest.mark.parametrize("keep", [0, 1, 100, 2_000])
def test_a_damaged_file_is_named(tmp_path, keep):
    manifest(id=["a"]).save(tmp_path / "m.parquet")
    (tmp_path / "m.parquet").write_bytes((tmp_path / "m.parquet").read_bytes()[:keep])
    with pytest.raises(DataError, match=r"m\.parquet: cannot be read as a manifest"):
        load_manifest(tmp_path / "m.parquet")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"m\.parquet: cannot be read as a manifest \(FileNotFoundError\)"):
        load_manifest(tmp_path / "m.parquet")


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (None, r"not a manifest of this toolkit \(schema None, expected 1\)"),
        (b"{", r"not a manifest of this toolkit \(schema None"),
        (b"[1]", r"not a manifest of this toolkit \(schema None"),
        (json.dumps({"schema": 2}).encode(), r"\(schema 2, expected 1\)"),
        (json.dumps({"schema": 1, "name": "x"}).encode(), "damaged manifest: it does not say its classes"),
    ],
)
def test_a_table_of_another_kind_is_refused(tmp_path, facts, message):
    table = pa.table({"id": ["a"], "label": [0]})
    pq.write_table(table.replace_schema_metadata(None if facts is None else {b"msde": facts}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=message):
        load_manifest(tmp_path / "t.parquet")


def test_a_file_with_wrong_rows_fails_the_checks(tmp_path):
    good = manifest(id=["a"], path=["a.png"])
    good.frame["path"] = ["../a.png"]
    good.save(tmp_path / "m.parquet")
    with pytest.raises(DataError, match="leaves the dataset's root"):
        load_manifest(tmp_path / "m.parquet")
