"""Which rows a manifest refuses: all of them at once, as the manifest itself would say of the first."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msde_toolkit.errors import DataError
from msde_toolkit.types import Manifest, row_faults

CELLS = {
    "id": st.sampled_from(["a", "b", "c", "", None, 3, "x\ty"]),
    "label": st.sampled_from([0, 3, 6, 7, -1, None, 2.5, "2", "happy", float("inf")]),
    "path": st.sampled_from(["a.png", "d/b.png", "..", "a/../b.png", "/a", "C:a", "\\\\a", "a..b.png", "..a/b", None]),
    "condition": st.sampled_from(["nm", "m", None, ""]),
    "pair": st.sampled_from([None, None, "p", "q"]),
    "weight": st.sampled_from([1, 0.5, None, -1, float("inf"), "much"]),
    "target": st.sampled_from([None, None, [1] * 7, [1] * 6, [0] * 7, "1"]),
}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*CELLS.values()), min_size=1, max_size=6))
def test_the_rows_left_are_accepted_and_the_others_are_not(rows):
    cells = zip(*rows, strict=True)
    frame = pd.DataFrame({name: pd.Series(of_row, dtype=object) for name, of_row in zip(CELLS, cells, strict=True)})
    faults = row_faults(frame, "some", 7)
    assert [row for row, _ in faults] == sorted({row for row, _ in faults})
    Manifest.from_frame(frame.drop(index=[row for row, _ in faults]), "some")
    if not faults:
        Manifest.from_frame(frame, "some")
        return
    with pytest.raises(DataError) as caught:
        Manifest.from_frame(frame, "some")
    assert str(caught.value) in {f"some, row {row + 1}: {why}" for row, why in faults}


def test_reasons_are_those_of_the_manifest():
    frame = pd.DataFrame({"id": ["a", "a", "c"], "label": ["1", "2", "sad"], "path": ["x", "y", "../z"]})
    assert row_faults(frame, "some", 7) == [
        (1, "id 'a' occurs a second time."),
        (2, "label is 'sad', expected an integer."),
    ]
    with pytest.raises(DataError, match="no column 'label'"):
        row_faults(frame[["id"]], "some", 7)


def test_a_set_of_affectnets_size_is_checked_in_seconds():
    rows = 450_000
    number = np.arange(rows)
    frame = pd.DataFrame(
        {
            "id": [f"a-{row}" for row in number],
            "path": [f"train/images/{row}.jpg" for row in number],
            "label": number % 7,
            "subject": [f"s{row % 5000}" for row in number],
        }
    )
    start = time.process_time()
    manifest = Manifest.from_frame(frame, "large")
    seconds = time.process_time() - start
    assert manifest.frame["path"].iat[-1] == f"train/images/{rows - 1}.jpg"
    assert seconds < 6, "cell by cell it took twelve"
