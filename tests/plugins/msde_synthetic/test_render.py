"""Pictures: the same everywhere, true to their landmarks, and unchanged outside an overlaid mask.

Policy of the golden file: geometry and light are float64, rounded before a pixel is set, and Pillow draws in whole
numbers, so pixels are expected to be *equal* wherever Pillow's major version is the recorded one. With another one,
each picture reduced to 8 x 8 may differ from the stored one by at most 2 grey levels on average.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image

from msde_synthetic import GENERATOR_VERSION
from msde_synthetic.plan import SampleSpec, samples
from msde_synthetic.randomness import stream
from msde_synthetic.render import Rendered, landmarks, render

GOLDEN = Path(__file__).with_name("golden.json")
SHOTS = [("reshot", size, index) for size, index in ((64, 3), (64, 400), (96, 801), (128, 5), (128, 700), (128, 1300))]
SHOTS += [("overlay", 64, index) for index in (0, 2, 4, 6)] + [("reshot", 224, 1500), ("reshot", 300, 1900)]


def thumbnail(image: np.ndarray) -> list[int]:
    return np.asarray(Image.fromarray(image).resize((8, 8), Image.Resampling.BOX)).ravel().tolist()


def golden_now() -> dict[str, object]:
    pictures = {}
    for pairing, size, index in SHOTS:
        spec = samples(pairing=pairing)[index]
        image = render(spec, size=size, pairing=pairing).image
        digest = hashlib.sha256(image.tobytes()).hexdigest()
        pictures[f"{spec.id} {pairing} {size}"] = {"sha256": digest, "thumbnail": thumbnail(image)}
    return {"generator": GENERATOR_VERSION, "pillow": PIL.__version__.partition(".")[0], "pictures": pictures}


def test_golden_pictures() -> None:
    now = golden_now()
    if os.environ.get("MSDE_UPDATE_GOLDEN"):
        GOLDEN.write_text(json.dumps(now, separators=(",", ":")) + "\n")
    stored = json.loads(GOLDEN.read_text())
    assert now["generator"] == stored["generator"], "GENERATOR_VERSION changed: store new golden pictures"
    assert now["pictures"].keys() == stored["pictures"].keys()
    for name, picture in now["pictures"].items():
        before = stored["pictures"][name]
        assert np.abs(np.subtract(picture["thumbnail"], before["thumbnail"])).mean() <= 2, name
        if now["pillow"] == stored["pillow"]:
            assert picture["sha256"] == before["sha256"], name


def test_streams_are_pinned() -> None:
    assert stream(0, "subject", 1).bit_generator.random_raw(3).tolist() == PINNED
    assert stream(0, "a", 1).random() != stream(0, "a", "1").random()
    assert stream(0, "a").random() != stream(1, "a").random()


PINNED = [11418535966665731254, 12995208611112779951, 11362934888713726827]


def test_a_picture_does_not_depend_on_what_was_drawn_before() -> None:
    spec = samples()[10]
    first = render(spec, size=64)
    render(samples()[11], size=64)
    again = render(spec, size=64)
    assert np.array_equal(first.image, again.image)
    assert first.action_units == again.action_units


@pytest.mark.parametrize("size", [64, 100, 128, 200, 512])
def test_shapes_and_types(size: int) -> None:
    out = render(samples()[0], size=size)
    assert out.image.shape == (size, size, 3)
    assert out.image.dtype == np.uint8
    assert out.mask_alpha.shape == (size, size)
    assert out.mask_alpha.dtype == np.uint8
    assert out.landmarks.shape == (68, 2)
    assert all(0.0 <= value <= 1.0 for value in out.action_units.values())


def test_the_region_is_empty_without_a_mask_and_the_lower_face_with_one(
    drawn: list[tuple[SampleSpec, Rendered]],
) -> None:
    for spec, out in drawn:
        share = (out.mask_alpha > 127).mean()
        if spec.condition == "nm":
            assert share == 0
        else:
            assert 0.1 < share < 0.45, spec.id


def test_landmarks_lie_in_the_picture_and_in_order(drawn: list[tuple[SampleSpec, Rendered]]) -> None:
    for spec, out in drawn:
        points = out.landmarks
        assert (points >= 0).all(), spec.id
        assert (points[17:] <= 64).all(), spec.id
        assert points[0, 0] < points[36, 0] < points[27, 0] < points[45, 0] < points[16, 0], spec.id
        assert points[8, 1] > points[57, 1] > points[33, 1] > points[27, 1], spec.id
        assert np.array_equal(points, landmarks(spec, size=64))


def test_eyes_and_mouth_are_where_the_landmarks_say(drawn: list[tuple[SampleSpec, Rendered]]) -> None:
    """Eyes have the strongest local contrast of the face; a mask covers the mouth's landmarks and not the eyes'."""
    contrast_eye, contrast_cheek = [], []
    for spec, out in drawn:
        grey = out.image.mean(axis=2)
        eye = np.rint(out.landmarks[36:42].mean(axis=0)).astype(int)
        cheek = eye + np.array([0, 8])
        if spec.condition == "nm":
            for point, values in ((eye, contrast_eye), (cheek, contrast_cheek)):
                values.append(np.ptp(grey[point[1] - 2 : point[1] + 3, point[0] - 3 : point[0] + 4]))
        else:
            mouth = np.rint(out.landmarks[48:60].mean(axis=0)).astype(int)
            assert out.mask_alpha[mouth[1], mouth[0]] == 255, spec.id
            assert out.mask_alpha[eye[1], eye[0]] == 0, spec.id
    assert np.median(contrast_eye) > 1.5 * np.median(contrast_cheek)


def test_an_overlay_changes_nothing_outside_the_mask() -> None:
    rows = {row.id: row for row in samples(subjects=6, pairing="overlay")}
    pairs = sorted({row.pair for row in rows.values() if row.pair})
    assert len(pairs) > 20
    for pair in pairs:
        bare = render(rows[f"{pair}-nm"], size=64, pairing="overlay")
        masked = render(rows[f"{pair}-m"], size=64, pairing="overlay")
        outside = masked.mask_alpha == 0
        assert np.array_equal(bare.image[outside], masked.image[outside]), pair
        assert np.array_equal(bare.landmarks, masked.landmarks)
        assert bare.action_units == masked.action_units
        assert rows[f"{pair}-nm"].camera == rows[f"{pair}-m"].camera
        assert (bare.image[~outside] != masked.image[~outside]).mean() > 0.5


def test_reshot_pairs_are_different_photographs() -> None:
    rows = {row.id: row for row in samples(subjects=2)}
    pair = next(row.pair for row in rows.values() if row.pair)
    bare, masked = render(rows[f"{pair}-nm"], size=64), render(rows[f"{pair}-m"], size=64)
    assert not np.allclose(bare.landmarks, masked.landmarks, atol=0.05)


@pytest.mark.parametrize(
    ("size", "pairing", "word"), [(63, "reshot", "size"), (513, "reshot", "size"), (64, "twin", "pairing")]
)
def test_bad_arguments_are_named(size: int, pairing: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        render(samples()[0], size=size, pairing=pairing)
