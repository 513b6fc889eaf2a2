"""Nothing that is not a picture tells the label: not a file's name, not its place in the list, not its neighbours.

A probe learns on some subjects and is tested on others, as a run does. It must stay at the most frequent class' share,
and must find a leak that is put in on purpose. The margin, 0.05, is over two standard errors on 860 pairs.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GroupKFold, cross_val_predict

from msde_toolkit.data.folds import make_folds
from msde_toolkit.data.source import open_source

MARGIN = 0.05


@pytest.fixture(scope="module")
def manifest():
    return open_source("synthetic", None, {}).manifest


def what_surrounds(frame):
    """Of each unmasked sample: all digits of id and path, its row, its place among its subject's, pair or not."""
    digits = [frame[column].str.findall(r"\d+") for column in ("id", "path")]
    columns = [pd.DataFrame(found.to_list(), index=frame.index).astype(float) for found in digits]
    place = frame.groupby("subject").cumcount()
    length = frame["path"].str.len()
    table = pd.concat(
        [*columns, place, length, pd.Series(range(len(frame)), frame.index), frame["pair"].isna()], axis=1
    )
    return table.to_numpy(dtype=float)[frame["condition"] == "nm"]


def probe(features, labels, subjects):
    forest = RandomForestClassifier(60, min_samples_leaf=3, random_state=0, n_jobs=1)
    guess = cross_val_predict(forest, features, labels, groups=subjects, cv=GroupKFold(5))
    return (guess == labels).mean()


def test_names_and_places_tell_no_label(manifest):
    bare = manifest.frame[manifest.frame["condition"] == "nm"]
    labels, subjects = bare["label"].to_numpy(dtype=int), bare["subject"].to_numpy()
    majority = np.bincount(labels).max() / len(labels)
    features = what_surrounds(manifest.frame)
    assert probe(features, labels, subjects) < majority + MARGIN
    told = features.copy()
    told[:, 1] = labels + 7 * told[:, 1]  # photo numbers that hold the label, as a naming by class would
    assert probe(told, labels, subjects) > majority + 2 * MARGIN, "the probe must be able to find a leak"


def test_folds_tell_no_label(manifest):
    folds = make_folds(manifest, 10, seed=0, default=10)
    overall = np.bincount(manifest.labels, minlength=7) / len(manifest)
    for fold in folds.folds:
        assert np.abs(np.bincount(manifest.labels[fold.test], minlength=7) / len(fold.test) - overall).max() < MARGIN
        subjects = manifest.frame["subject"].to_numpy()
        assert not set(subjects[fold.train]) & set(subjects[fold.test])
