"""Samples that were lost are told, in the manifest and after it was read back."""

from dataclasses import asdict

import pandas as pd
import pytest

from msde_toolkit import load_manifest
from msde_toolkit.errors import DataError
from msde_toolkit.types import EIGHT, LeftOut, Manifest, relabelled

LOST = LeftOut("b", "no face found", "crop_failures", "nm", 3, None)


def test_samples_left_out_are_kept_as_a_record(tmp_path):
    manifest = Manifest.from_frame(pd.DataFrame({"id": ["a", "b"], "label": [0, 3], "subject": ["s", None]}), "set")
    kept = manifest.without([LOST], ["one lost"])
    assert kept.ids == ("a",)
    assert kept.notes == ("one lost",)
    kept.save(tmp_path / "m.parquet")
    again = load_manifest(tmp_path / "m.parquet")
    assert again.left_out == (LOST,)
    assert relabelled(again, EIGHT).left_out[0].label == EIGHT.index("happy")


@pytest.mark.parametrize(
    "bad", [3, ["x"], [{"sample": "b"}], [{**asdict(LOST), "label": "3"}], [asdict(LOST) | {"check": "x"}]]
)
def test_a_damaged_record_of_samples_left_out(bad):
    with pytest.raises(DataError, match=r"m\.parquet: its list of samples left out is damaged"):
        LeftOut.all_of(bad, "m.parquet")
