"""Boxes of known size and place, masks of known opacity, and accuracy under them on a small run."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_memory_run import InMemoryRun, paired_manifest, tiny_run
from matplotlib.text import Text

from msde_robustness.covered import blend, overlay_pairs, subset
from msde_robustness.occluders import PLACES, average_points, box, face_box, margin_of, occlude
from msde_robustness.occlusion import Occlusion
from msde_toolkit.create import parse_options
from msde_toolkit.interfaces import AnalysisContext
from msde_toolkit.types import InputError

QUICK = {"samples": 28, "sizes": (0.3,), "places": ("upper", "lower")}


def occlusion(*runs, **options):
    return Occlusion(Occlusion.Options(**{**QUICK, **options})).run(AnalysisContext(runs, Path()))


def words(figure):
    return " ".join(" ".join(text.get_text() for text in figure.findobj(Text)).split())


@given(st.sampled_from(PLACES), st.floats(0.01, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_box_covers_its_share_and_lies_on_the_face(place, share, x, y, margin):
    points = average_points(64, margin)
    left, top, right, bottom = face_box(points)
    one = box(place, share, points, (x, y))
    assert (one[2] - one[0]) * (one[3] - one[1]) == pytest.approx(share * (right - left) * (bottom - top))
    assert left - 1e-6 <= one[0] < one[2] <= right + 1e-6
    assert top - 1e-6 <= one[1] < one[3] <= bottom + 1e-6


def test_boxes_lie_where_they_say():
    points = average_points(100, 0.0)
    left, top, right, bottom = face_box(points)
    assert box("upper", 0.5, points)[:3] == (left, top, right)
    assert box("lower", 0.5, points)[3] == bottom
    for place, part in (("eyes", slice(36, 48)), ("mouth", slice(48, 68))):
        x0, y0, x1, y1 = box(place, 0.08, points)
        assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx(tuple(points[part].mean(axis=0)))
    assert margin_of("msde-1 margin 0.5 eyes") == 0.5
    assert margin_of(None) == 0.0


def test_only_the_box_changes_and_a_random_one_is_of_the_image():
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3)).astype(np.uint8)
    ids = ["a", "b", "c"]
    grey, share = occlude(images, ids, [0.0] * 3, "random", 0.2, "grey", 0)
    changed = (grey != images).any(axis=3)
    assert share == pytest.approx(0.2, abs=0.02)
    assert (grey[changed] == 128).all()
    assert len({tuple(np.argwhere(one)[0]) for one in changed}) == 3, "each image has its own place"
    alone, _ = occlude(images[1:2], ["b"], [0.0], "random", 0.2, "grey", 0)
    assert np.array_equal(alone[0], grey[1])
    mean, _ = occlude(images, ids, [0.0] * 3, "lower", 0.2, "mean", 0)
    assert mean[0][(mean[0] != images[0]).any(axis=2)][0] == pytest.approx(images[0].mean(axis=(0, 1)), abs=0.5)


def test_opacity_goes_from_one_image_to_the_other():
    bare, masked = np.full((1, 4, 4, 3), 10, dtype=np.uint8), np.full((1, 4, 4, 3), 250, dtype=np.uint8)
    assert np.array_equal(blend(bare, masked, 0.0), bare)
    assert np.array_equal(blend(bare, masked, 1.0), masked)
    assert (blend(bare, masked, 0.25) == 70).all()


@dataclass
class Overlays(InMemoryRun):
    """A run whose masked images are the unmasked ones with a black lower half."""

    def images(self, ids):
        nm = super().images([sample.replace("-m", "-nm") if sample.endswith("-m") else sample for sample in ids])
        for row, sample in enumerate(ids):
            if sample.endswith("-m"):
                nm[row, self.size // 2 :] = 0
        return nm


def overlays(manifest=None):
    run = tiny_run(paired_manifest(pairing="overlay") if manifest is None else manifest)
    return Overlays(run.manifest, run.models)


def test_accuracy_at_the_ends_of_opacity_is_that_of_the_run():
    run = overlays()
    result = occlusion(run, samples=200)
    table = result.tables["opacity"].set_index("opacity")
    for word, opacity in (("nm", 0.0), ("m", 1.0)):
        rows = run.predictions[run.predictions["condition"] == word]
        assert table.loc[opacity, "accuracy"] == pytest.approx((rows["label"] == rows["predicted"]).mean())
    assert table["n"].eq(21).all()
    assert "opacity of the mask (%)" in words(result.figures["opacity"])


def test_uncovered_accuracy_is_that_of_the_subset_and_losses_are_paired():
    run = overlays()
    result = occlusion(run, samples=200)
    table = result.tables["occlusion"].set_index(["condition", "place", "size"])
    rows = run.predictions[run.predictions["condition"] == "m"]
    bare = table.loc[("m", "lower", 0.0)]
    assert bare["accuracy"] == pytest.approx((rows["label"] == rows["predicted"]).mean())
    assert bare["loss"] == 0.0
    covered = table.loc[("m", "lower", 0.3)]
    assert covered["loss"] == pytest.approx(bare["accuracy"] - covered["accuracy"])
    assert covered["loss_low"] <= covered["loss"] <= covered["loss_high"]
    assert covered["covered"] == pytest.approx(0.3, abs=0.05)


def test_the_subset_is_whole_pairs_and_said():
    result = occlusion(overlays(), samples=28)
    (found,) = json.loads(json.dumps(result.summary))["runs"]
    assert (found["n"], found["pairs"], found["left_out_by_subset"]) == (28, 14, 14)
    assert "28 of 42 held-out images (14 pairs)" in words(result.figures["occlusion"])
    assert "synthetic" in words(result.figures["occluders"])
    assert len(result.faces["occluders"]) == 2


def test_two_photographs_are_not_blended():
    data = subset(tiny_run(paired_manifest(pairing="reshot")), 200, 0)
    assert overlay_pairs(data)[1] == "mask opacity: pairs are two photographs, whose blend would be a double exposure"
    false = subset(tiny_run(paired_manifest(pairing="overlay")), 200, 0)  # said to be overlays, but other pictures
    drawn, why = overlay_pairs(false)
    assert not len(drawn)
    assert "21 of 21 overlay pairs differ beside the mask" in why
    result = occlusion(tiny_run())
    assert "opacity" not in result.tables
    assert "double exposure" in result.sections[0].text


def test_one_condition_and_several_runs():
    single = tiny_run(paired_manifest(conditions=("nm",)), name="single")
    result = occlusion(single, overlays())
    assert set(result.tables["occlusion"]["condition"]) == {"nm", "m"}
    assert result.summary["runs"][0]["opacity_note"] == "mask opacity: the run holds no complete pairs"
    assert set(result.tables["opacity"]["run"]) == {overlays().name}


def test_lists_are_read_from_the_command_line():
    options = parse_options(Occlusion, {"sizes": "0.4,0.1", "places": "mouth", "opacities": "[]"}, "analysis")
    assert (options.sizes, options.places, options.opacities) == ((0.1, 0.4), ("mouth",), ())
    with pytest.raises(InputError, match=r"analysis\.sizes"):
        parse_options(Occlusion, {"sizes": "30"}, "analysis")
    with pytest.raises(InputError, match=r"analysis\.places"):
        parse_options(Occlusion, {"places": "chin"}, "analysis")
