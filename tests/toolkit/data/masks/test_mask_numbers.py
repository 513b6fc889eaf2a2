"""What a twin's masks tell of the label, and what publications say of its counts."""

import numpy as np
import pandas as pd
import pytest

from msde_toolkit.data.masking import overlay_notes
from msde_toolkit.data.masks.leak import numeric_parameters, told_by_eyes, told_by_masks
from msde_toolkit.data.masks.outcome import Drawn
from msde_toolkit.data.masks.published import beside_published
from msde_toolkit.types import Manifest, PublishedTable


def masks(tells):
    """Seven masks of each of twenty subjects; their height or a parameter tells the label, or nothing does."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": [f"{subject}-{label}" for subject in range(20) for label in range(7)]})
    frame["subject"] = frame["id"].str.partition("-")[0]
    frame["label"] = frame["id"].str.partition("-")[2].astype(int)
    drawn = {}
    for sample, label in zip(frame["id"], frame["label"], strict=True):
        noise = rng.integers(0, 7)
        height = 0.4 + 0.02 * (label if tells == "height" else noise)
        said = {"jaw": float(label if tells == "parameter" else noise), "kind": "flat", "wired": bool(noise % 2)}
        drawn[sample] = Drawn("", 9, 9, "", "", "", (), (), (0.2, 0.5, 0.7, 0.5, height, 0.6), said)
    return Manifest.from_frame(frame, "set"), drawn


@pytest.mark.parametrize(("tells", "leaks"), [("height", True), ("parameter", True), ("nothing", False)])
def test_shape_and_parameters_are_asked(tells, leaks):
    told = told_by_masks(*masks(tells))
    assert told.leaks == leaks
    assert (told.masks, told.majority) == (140, pytest.approx(1 / 7))
    assert told.shuffled == pytest.approx(1 / 7, abs=0.03)


def test_numbers_of_all_masks_alone_are_asked():
    manifest, drawn = masks("nothing")
    assert numeric_parameters(drawn) == ["jaw", "wired"]
    few = dict(list(drawn.items())[:50])
    assert told_by_masks(manifest, few).startswith("fewer than 60 masks")


def test_eyes_tell_what_is_in_the_crops_already():
    manifest, drawn = masks("nothing")
    assert told_by_eyes(manifest, drawn) is None

    def moved_by(pixels):
        cells = pd.Series([[*np.full(136, 4 + pixels * label)] for label in manifest.labels], dtype=object)
        return Manifest.from_frame(manifest.frame.assign(landmarks=cells), "set")

    assert told_by_eyes(moved_by(0.1), drawn).leaks
    assert not told_by_eyes(moved_by(0), drawn).leaks


def test_published_counts_stand_beside_those_that_are_there():
    frame = pd.DataFrame({"id": ["a", "b", "c"], "label": 0, "split": ["train", "train", "test"]})
    sources = Manifest.from_frame(frame, "set")
    twin = Manifest.from_frame(
        pd.concat([frame, frame.iloc[:2].assign(id=["a-m", "b-m"], condition="m")]), "masked-set"
    )
    tables = [
        PublishedTable("published", "the authors", {"NM train": {"total": 12271}, "NM test": {"total": 3068}}),
        PublishedTable("Sec. 4", "the paper", {"M test": {"total": 3008}}, "a misprint"),
        PublishedTable("Table 1", "the paper", {"occluded": {"total": 9}}),
    ]
    assert beside_published(twin, sources, tables) == [
        "published (the authors): train 12,271 unmasked, here 2; test 3,068 unmasked, here 1",
        "Sec. 4 (the paper): test 3,008 masked, here 0. a misprint",
    ]


@pytest.mark.parametrize(
    ("pairing", "said"),
    [
        (["overlay"] * 4, "overlay: pairs are one photo"),
        (["overlay", "overlay", "reshot", "reshot"], "overlay: 1 of 2 pairs are one photo"),
        (["reshot"] * 4, None),
    ],
)
def test_overlay_pairs_are_told(pairing, said):
    frame = pd.DataFrame({"id": list("abcd"), "label": 0, "pair": ["p", "p", "q", "q"], "condition": ["nm", "m"] * 2})
    notes = overlay_notes(Manifest.from_frame(frame.assign(pairing=pairing), "set"))
    assert (said is None and notes == ()) or notes[0].startswith(said)
