"""What a label of one set means in another."""

import pandas as pd
import pytest

from msde_toolkit.types import CLASSES, InputError, Manifest
from msde_toolkit.types.label_maps import EIGHT, SEVEN, THREE, label_map, relabelled


def test_the_same_names_in_another_order():
    assert label_map(SEVEN, SEVEN[::-1]) == [6, 5, 4, 3, 2, 1, 0]


def test_contempt_has_no_place_among_seven_and_seven_all_among_eight():
    assert label_map(EIGHT, SEVEN) == [0, 1, 2, 3, 4, 5, 6, None]
    assert label_map(SEVEN, EIGHT) == [0, 1, 2, 3, 4, 5, 6]


def test_valence_of_expressions_and_surprise_has_none():
    told = [None if index is None else THREE[index] for index in label_map(EIGHT, THREE)]
    assert dict(zip(EIGHT, told, strict=True)) == {
        "surprise": None, "fear": "negative", "disgust": "negative", "happy": "positive", "sad": "negative",
        "angry": "negative", "neutral": "neutral", "contempt": "negative",
    }  # fmt: skip


@pytest.mark.parametrize(("source", "target"), [(THREE, SEVEN), (("cat", "dog"), SEVEN), (("happy", "dog"), SEVEN)])
def test_what_means_something_else_is_refused(source, target):
    with pytest.raises(InputError, match="do not mean the same"):
        label_map(source, target)


def test_a_manifest_in_other_words():
    rows = [
        {"id": name, "label": label, "target": None if label else [0.5, 0, 0, 0.25, 0, 0, 0, 0.25]}
        for label, name in enumerate(EIGHT)
    ]
    manifest = Manifest.from_frame(pd.DataFrame(rows), "set", classes=EIGHT)
    seven = relabelled(manifest, SEVEN)
    assert seven.ids == SEVEN
    assert seven.labels.tolist() == list(range(7))
    assert seven.frame["target"].iat[0] == [0.5, 0, 0, 0.25, 0, 0, 0]
    assert seven.notes == (f"1 samples of contempt left out: no counterpart among {', '.join(CLASSES)}",)
    three = relabelled(manifest, THREE)
    assert three.ids == tuple(name for name in EIGHT if name != "surprise")
    assert relabelled(manifest, EIGHT) is manifest
    with pytest.raises(InputError):
        relabelled(three, SEVEN)
