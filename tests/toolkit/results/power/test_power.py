"""Detectable differences against the t test's, and variances that were put in come out."""

from __future__ import annotations

import numpy as np
import pytest
from handmade_run import answers, people, write_run
from statsmodels.stats.power import TTestPower

import msde_toolkit as msde
from msde_toolkit.errors import InputError
from msde_toolkit.results.power.detectable import detectable
from msde_toolkit.results.power.pilot import TRAINING, Variances, assumed, components, of_runs

QUIET = Variances("nm", 0.02, 0.0, 0.0, "made up")


def test_where_training_is_always_the_same_it_is_the_t_tests_difference():
    (row,) = detectable(QUIET, [60], 5)
    expected = TTestPower().solve_power(nobs=60, alpha=0.05, power=0.8) * np.sqrt(0.02)
    assert row.models == pytest.approx(expected, rel=0.08)
    assert row.method == pytest.approx(expected, rel=0.08)


def test_more_subjects_find_less_and_more_comparisons_more():
    few, many = detectable(QUIET, [24, 142], 5)
    assert few.models > many.models
    assert few.unreliable == "only 24 subjects"
    assert many.unreliable is None
    (family,) = detectable(QUIET, [142], 5, comparisons=8)
    assert family.models > many.models
    assert detectable(QUIET, [24, 142], 5) == [few, many]
    (other,) = detectable(QUIET, [142], 5, seed=1)
    assert other.models == pytest.approx(many.models, rel=0.15)


def test_trainings_that_differ_hide_what_methods_do_but_not_what_these_models_do():
    noisy = Variances("nm", 0.02, 0.0, 0.003, "made up")
    (calm,), (wild,) = detectable(QUIET, [142], 5), detectable(noisy, [142], 5)
    assert wild.models == calm.models
    assert wild.method > 1.5 * calm.method
    assert detectable(QUIET, [142], 1)[0].method is None


def test_components_are_those_that_were_put_in():
    rng = np.random.default_rng(0)
    table = rng.normal(0, 0.3, (4000, 1)) + rng.normal(0, 0.2, (4000, 6)) + np.array([-0.1, 0.1, -0.1, 0.1, 0.1, -0.1])
    subject, chance, training = components(table)
    assert subject == pytest.approx(0.09, rel=0.1)
    assert chance == pytest.approx(0.04, rel=0.1)
    assert training == pytest.approx(np.var([-0.1, 0.1] * 3, ddof=1), rel=0.1)
    assert components(table[:, :1]) == pytest.approx((0.13, 0, 0), rel=0.1)


def test_one_run_and_one_repeat_say_what_is_assumed(tmp_path):
    frame = people(20)
    runs = [
        msde.open_run(write_run(tmp_path / name, frame, answers(frame, {"nm": 0.7, "m": 0.6}, 1, seed)))
        for seed, name in enumerate(("one", "two"))
    ]
    pair, alone = of_runs(runs)[0], of_runs(runs[:1])[0]
    for pilot in (pair, alone):
        assert pilot.training == 2 * TRAINING**2
        assert "how training varies assumed to be 1.5 points" in pilot.about
    assert "correlation" in alone.about
    assert "correlation" not in pair.about
    with pytest.raises(InputError, match="one run or two, not 3"):
        of_runs([*runs, runs[0]])


def test_a_pilot_whose_methods_answer_alike_says_nothing(tmp_path):
    frame = people(6)
    said = answers(frame, {"nm": 0.7, "m": 0.6}, 2)
    runs = [msde.open_run(write_run(tmp_path / name, frame, said)) for name in ("one", "two")]
    pilot = of_runs(runs)[0]
    assert "no subject differs" in pilot.about
    (row,) = detectable(pilot, [142])
    assert (row.models, row.method) == (None, None)


def test_more_images_a_subject_find_less():
    few, many = (detectable(assumed(images), [96])[0] for images in (3, 30))
    assert many.models < few.models
