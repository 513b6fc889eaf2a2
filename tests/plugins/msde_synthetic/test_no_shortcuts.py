"""The label is in the expression only: masks, backdrops, cameras and poses do not tell it.

A linear probe, trained and tested on different subjects, must stay at chance on everything that should not matter, and
must be far above it on the true action units, or it could not find a leak either. Chance is the most frequent class'
share. The margin, 0.05, is two standard errors of an accuracy of 0.2 on about 270 images.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from msde_synthetic.plan import SampleSpec
from msde_synthetic.render import Rendered

Sample = tuple[SampleSpec, Rendered]
MARGIN = 0.05


def probe(chosen: list[Sample], features: Callable[[SampleSpec, Rendered], np.ndarray]) -> tuple[float, float]:
    """Return accuracy and the majority class' share."""
    x = np.array([features(spec, out) for spec, out in chosen], dtype=np.float64)
    y = np.array([spec.label for spec, _ in chosen])
    groups = np.array([spec.subject for spec, _ in chosen])
    model = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))
    guess = cross_val_predict(model, x, y, groups=groups, cv=GroupKFold(10))
    return float((guess == y).mean()), float(np.bincount(y).max() / len(y))


def mask_shape(spec: SampleSpec, out: Rendered) -> np.ndarray:
    inside = out.mask_alpha > 127
    rows, columns = np.nonzero(inside)
    box = [rows.min(), rows.max(), columns.min(), columns.max()]
    heights = [float(inside[:, column].sum()) for column in range(8, 64, 8)]
    return np.array([inside.sum(), rows.mean(), columns.mean(), *box, *heights])


def mask_colour(spec: SampleSpec, out: Rendered) -> np.ndarray:
    inside = out.image[out.mask_alpha == 255]
    return np.concatenate([inside.mean(axis=0), inside.std(axis=0)])


def surroundings(spec: SampleSpec, out: Rendered) -> np.ndarray:
    top, left, right = out.image[:4, :, :], out.image[:40, :5, :], out.image[:40, -5:, :]
    pieces = [piece.reshape(-1, 3) for piece in (top, left, right)]
    return np.concatenate([value for piece in pieces for value in (piece.mean(axis=0), piece.std(axis=0))])


def circumstances(spec: SampleSpec, out: Rendered) -> np.ndarray:
    noise = np.abs(np.diff(out.image[:6].astype(int), axis=1)).mean()
    return np.array([spec.camera == "phone", int(spec.session[3:]), spec.age, spec.glasses, noise, out.image.mean()])


def units(spec: SampleSpec, out: Rendered) -> np.ndarray:
    return np.array(list(out.action_units.values()))


@pytest.mark.parametrize("features", [mask_shape, mask_colour, surroundings, circumstances])
def test_what_should_not_matter_is_at_chance(drawn: list[Sample], features: Callable[..., np.ndarray]) -> None:
    masked = [(spec, out) for spec, out in drawn if spec.condition == "m"]
    accuracy, majority = probe(masked, features)
    assert accuracy < majority + MARGIN


def test_surroundings_without_mask_are_at_chance(drawn: list[Sample]) -> None:
    bare = [(spec, out) for spec, out in drawn if spec.condition == "nm"]
    accuracy, majority = probe(bare, surroundings)
    assert accuracy < majority + MARGIN


@pytest.mark.parametrize("condition", ["nm", "m"])
def test_the_probe_can_find_something(drawn: list[Sample], condition: str) -> None:
    accuracy, majority = probe([(spec, out) for spec, out in drawn if spec.condition == condition], units)
    assert accuracy > majority + 0.4
