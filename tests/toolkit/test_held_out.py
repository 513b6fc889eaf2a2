"""Held-out samples and what their own fold's model says of them."""

from dataclasses import replace

import numpy as np
import pytest
from in_memory_run import paired_manifest, tiny_run

from msde_toolkit.held_out import balanced, held_out, outputs, pairs_among, units
from msde_toolkit.types import InputError


def test_outputs_are_those_that_the_run_has_stored_whatever_the_order_and_the_batch():
    run = tiny_run()
    rows = held_out(run).sample(frac=1, random_state=3).reset_index(drop=True)
    found = outputs(run, rows, batch_size=5)
    np.testing.assert_allclose(found.logits, np.stack(rows["logits"]), atol=1e-5)
    assert found.features.shape == (len(rows), 16)


def test_other_images_may_be_shown_one_a_row():
    run = tiny_run()
    rows = held_out(run)
    grey = np.full((len(rows), 32, 32, 3), 127, dtype=np.uint8)
    found = outputs(run, rows, grey)
    by_fold = {fold: found.logits[rows["fold"] == fold] for fold in ("00", "01")}
    assert all(np.ptp(logits, axis=0).max() < 1e-5 for logits in by_fold.values())
    with pytest.raises(InputError, match="42 rows but 1 images"):
        outputs(run, rows, grey[:1])


def test_a_repeat_that_is_not_there_is_said():
    with pytest.raises(InputError, match="no held-out predictions in repeat 1"):
        held_out(tiny_run(), repeat=1)


def test_only_drawn_faces_and_those_with_consent_may_be_published():
    consent = paired_manifest(pairs=3, synthetic=False, consent="publish")
    assert consent.publishable().all()
    assert not paired_manifest(pairs=3, synthetic=False, consent="research").publishable().any()
    assert not paired_manifest(pairs=3, synthetic=False).publishable().any()
    assert paired_manifest(pairs=3, synthetic=True).publishable().all()


def test_a_subset_takes_classes_and_conditions_in_turn_by_seed_and_keeps_the_order():
    rows = held_out(tiny_run(paired_manifest(pairs=42)))
    some = balanced(rows, 28, seed=1)
    assert some.groupby(["label", "condition"]).size().tolist() == [2] * 14
    assert list(some.index) == sorted(some.index)
    assert list(balanced(rows.iloc[::-1], 28, seed=1)["id"]) == list(some["id"])[::-1]
    assert set(balanced(rows, 28, seed=2)["id"]) != set(some["id"])
    assert balanced(rows, 84, seed=1) is rows


def test_units_are_subjects_or_pairs_with_what_a_reader_must_know():
    run = tiny_run()
    known = units(run, held_out(run))
    assert (known.unit, known.count, known.doubt) == ("subject", 7, "only 7 subjects, the interval is unreliable")
    many = tiny_run(paired_manifest(pairs=31, subjects=31))
    assert units(many, held_out(many)).doubt is None
    manifest = paired_manifest()
    stranger = tiny_run(replace(manifest, frame=manifest.frame.assign(subject=None)))
    unknown = units(stranger, held_out(stranger))
    assert (unknown.unit, unknown.count) == ("sample", 21)
    assert "too narrow" in unknown.doubt


def test_pairs_are_those_of_which_both_images_are_among_the_rows():
    run = tiny_run()
    rows = held_out(run).sample(frac=1, random_state=1)
    rows = rows[rows["id"] != "p03-m"]
    pairs = pairs_among(run, rows)
    assert set(pairs["pair"]) == {f"p{number:02d}" for number in range(21)} - {"p03"}
    assert rows["id"].to_numpy()[pairs["nm"]].tolist() == [f"{pair}-nm" for pair in pairs["pair"]]
    assert rows["id"].to_numpy()[pairs["m"]].tolist() == [f"{pair}-m" for pair in pairs["pair"]]
    assert pairs_among(tiny_run(paired_manifest(conditions=("nm",))), rows).empty
