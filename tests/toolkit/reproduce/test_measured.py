"""Accuracies and recalls of ours against plain pandas, and the verdicts on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
import pytest

from msde_toolkit.randomness import generator
from msde_toolkit.reproduce.measured import Scores
from msde_toolkit.reproduce.published import published
from msde_toolkit.reproduce.resolution import detectable, resolution_note
from msde_toolkit.reproduce.rows import Against, accuracy_rows
from msde_toolkit.types import CLASSES, Manifest


@dataclass
class Given:
    """Held-out answers as a finished run has them: ``share`` of the images of a condition right, by subject."""

    share: dict[str, float]
    subjects: int = 40
    repeats: int = 2
    seed: int = 0
    summary: dict = field(default_factory=lambda: {"train_on": "pairs"})

    classes = CLASSES

    @cached_property
    def manifest(self):
        rows = [
            {
                "id": f"{subject:02d}-{label}-{condition}", "path": "x.png", "subject": f"s{subject:02d}",
                "label": label, "condition": condition, "split": None, "dataset": "given",
                # The last label has no partner: no complete pair.
                "pair": None if label == 6 else f"{subject:02d}-{label}",
            }
            for subject in range(self.subjects) for label in range(7) for condition in self.share
        ]  # fmt: skip
        return Manifest.from_frame(pd.DataFrame(rows), "given", classes=CLASSES)

    @cached_property
    def predictions(self):
        frame = self.manifest.frame[["id", "subject", "pair", "condition", "label"]]
        parts = []
        for repeat in range(self.repeats):
            rng = generator(self.seed, repeat, "answers")
            right = rng.random(len(frame)) < frame["condition"].map(self.share).to_numpy()
            predicted = np.where(right, frame["label"], (frame["label"] + 1) % 7)
            fold = (frame["subject"].str[1:].astype(int) % 3).astype(str)
            parts.append(frame.assign(predicted=predicted, repeat=repeat, fold=fold))
        return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("pairs_only", [False, True])
def test_accuracies_are_those_of_the_stored_answers(pairs_only):
    run = Given({"nm": 0.7, "m": 0.4})
    rows = run.predictions[run.predictions["pair"].notna()] if pairs_only else run.predictions
    right = rows["label"] == rows["predicted"]
    found = Scores(run, pairs_only=pairs_only).accuracy()
    by = right.groupby(rows["condition"]).mean()
    assert found["nm"].estimate.value == pytest.approx(by["nm"])
    assert found["m"].estimate.value == pytest.approx(by["m"])
    assert found["average"].estimate.value == pytest.approx(by.mean())
    assert found["nm"].n == rows[rows["condition"] == "nm"]["id"].nunique()
    by_fold = right.groupby([rows["condition"], rows["repeat"], rows["fold"]]).mean()
    assert found["m"].mean_of_folds == pytest.approx(by_fold["m"].mean())
    assert all(low < one.estimate.value < high for one in found.values() for low, high in [one.estimate.interval])
    assert found["nm"].estimate.estimand == "this method: further subjects, trained again"


def test_recalls_are_by_class_and_lack_what_is_not_there():
    run = Given({"m": 0.5}, repeats=1)
    answers = Scores(run, pairs_only=False)
    assert set(answers.accuracy()) == {"m"}
    assert answers.recall("nm") == [None] * 7
    rows = run.predictions
    right = (rows["label"] == rows["predicted"]).groupby(rows["label"]).mean()
    assert [one.estimate.value for one in answers.recall("m")] == pytest.approx(right.tolist())


def test_verdicts_on_the_papers_own_data():
    table = published().tables["table5"]
    methods = published().methods_of("table5")
    ours = Against("msde", synthetic=False, comparable=True)
    near = Given({"nm": 0.56, "m": 0.44}, subjects=60)
    far = Given({"nm": 0.9, "m": 0.1}, subjects=60)
    runs = {name: far if name == "cl" else near for name in methods}
    rows = {(row.method, row.condition): row for row in accuracy_rows("table5", table, runs, ours, {})}
    assert rows["baseline", "nm"].verdict == "within_interval"
    assert (rows["cl", "nm"].verdict, rows["cl", "m"].verdict) == ("above", "below")
    assert rows["cl", "nm"].difference == pytest.approx(rows["cl", "nm"].ours - 0.6001)
    lacking = {name: Given({"nm": 0.5}) for name in methods}
    rows = {(row.method, row.condition): row for row in accuracy_rows("table5", table, lacking, ours, {})}
    assert (rows["kd", "m"].ours, rows["kd", "m"].verdict) == (None, "not_measured")
    assert rows["kd", "average"].verdict == "not_measured"


def test_what_a_sample_resolves_follows_from_the_spread_between_subjects():
    base, other = Given({"nm": 0.6, "m": 0.6}, subjects=71), Given({"nm": 0.6, "m": 0.6}, subjects=71, seed=1)
    found = detectable(base, other, pairs_only=False)
    # Independent answers: each of 71 x 7 differences has the variance 2 x .6 x .4; 142 subjects halve it.
    expected = 2.8016 * np.sqrt(2 * 0.6 * 0.4 / (71 * 7) / 2)
    assert found["nm"] == pytest.approx(expected, rel=0.15)
    table = published().tables["table5"]
    runs = dict.fromkeys(published().methods_of("table5"), other) | {"baseline": base}
    note = resolution_note(table, runs, "given faces")
    assert "142 subjects" in note
    hidden, shown = note.split("differences ")[-1].split(" are below that, ")
    assert "kd NM +1.38" in hidden
    assert "scan M +13.58" in shown
    assert detectable(Given({"nm": 0.5}, subjects=6), Given({"nm": 0.5}, subjects=6), pairs_only=False) is None
