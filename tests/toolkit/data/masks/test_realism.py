"""Drawn masks against worn ones: what tells them apart, and where."""

import json

import numpy as np
import pandas as pd
import pytest

from msde_toolkit.data.masks.open_set import OpenSet
from msde_toolkit.data.masks.realism import realism
from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Dataset
from msde_toolkit.types import Manifest


class Faces(Dataset):
    """Noise, with a rectangle of one colour for a mask; ``tint`` colours the whole photo."""

    def __init__(self, colour, top=24, tint=0):
        self.colour, self.top, self.tint = colour, top, tint

    def read(self, rows):
        return [self.picture(int(path)) for path in rows.frame["path"]]

    def picture(self, seed):
        image = np.random.default_rng(seed).integers(60, 140, (48, 48, 3)) + self.tint
        image[self.top :] = self.colour + image[self.top :] // 8
        return image.astype(np.uint8)

    def mask_regions(self, rows):
        region = np.zeros((48, 48), dtype=np.uint8)
        region[self.top :] = 255
        return [region] * len(rows)


def faces(colour, first=0, n=60, people=12, **look):
    rows = range(first, first + n)
    frame = {"id": [f"i{k}" for k in rows], "path": list(map(str, rows)), "label": [0] * n, "condition": ["m"] * n}
    manifest = Manifest.from_frame(pd.DataFrame({**frame, "subject": [f"s{k % people}" for k in rows]}), "faces")
    return OpenSet(manifest, Faces(colour, **look), {})


def test_masks_alike_are_not_told_apart():
    found = realism(faces(150), faces(150, first=1000))
    assert found.drawn == found.worn == 60
    assert found.lower.low < 0.5 < found.lower.high
    assert found.area.drawn == found.area.worn == (0.5, 0.5, 0.5)


def test_another_colour_is_told_by_the_lower_half_alone():
    found = realism(faces(150), faces(100, first=1000, top=30))
    assert found.lower.value > 0.95
    assert found.upper.low < 0.6
    assert found.height.drawn[1] == 0.5
    assert found.height.worn[1] == pytest.approx(18 / 48)


def test_photos_of_another_light_are_told_by_the_upper_third_too():
    assert realism(faces(150), faces(150, first=1000, tint=60)).upper.value > 0.95


def test_too_few_masks_or_people():
    with pytest.raises(DataError, match=r"the photos \(faces\) must have 40 readable images of condition m, .* are 8"):
        realism(faces(150), faces(150, n=8))
    with pytest.raises(DataError, match="of 5 people; there are 60, of 2"):
        realism(faces(150, people=2), faces(150))
    bare = faces(150)
    bare = OpenSet(Manifest.from_frame(bare.manifest.frame.assign(condition="nm"), "faces"), bare.dataset, {})
    with pytest.raises(DataError, match="there are 0, of 0"):
        realism(faces(150), bare)


def test_the_command(monkeypatch, tmp_path, capsys):
    from msde_toolkit.cli.app import main

    monkeypatch.chdir(tmp_path)
    small = ("--set", "data.subjects=6", "--set", "data.size=64")
    for words in (
        ("data", "mask", "synthetic", *small, "--out", "twin"),
        ("data", "realism", "twin", "--photos", "twin", "--json"),
    ):
        with pytest.raises(SystemExit) as end:
            main(words)
        assert not end.value.code
    told = json.loads(capsys.readouterr().out.rpartition("\n{")[2].join(("{", "")))
    assert told["twin"] == told["photos"] == "masked-synthetic"
    assert told["twin_synthetic"] is True
    assert told["drawn"] == told["worn"] >= 40
    assert told["lower"]["value"] < 0.75
    assert told["area"]["drawn"] == told["area"]["worn"]
