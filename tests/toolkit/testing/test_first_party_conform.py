"""The toolkit's own plugins keep what the kit asks of a stranger's: every entry point of pyproject.toml."""

import csv
import os
import tomllib
from pathlib import Path

import face_layouts
import numpy as np
import published_layouts
import pytest

from msde_toolkit.registry import KINDS, OUR_DISTRIBUTION
from msde_toolkit.testing import check

TABLES = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORDS = {f"msde.{plural}": word for plural, (word, _) in KINDS.items()} | {"msde.hooks": "listener"}
NAMED = [(WORDS[group], name) for group, table in TABLES["entry-points"].items() if group in WORDS for name in table]
MODELS = {"yunet": "MSDE_YUNET_MODEL", "mediapipe": "MSDE_MEDIAPIPE_MODEL"}
"""Plugins whose model is a file of the user's, and the variable that names it."""
LAYOUTS = face_layouts.LAYOUTS | published_layouts.LAYOUTS


def fer2013(file):
    random = np.random.default_rng(0)
    with file.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(("emotion", "pixels", "Usage"))
        for row in range(14):
            usage = "Training" if row < 7 else "PrivateTest"
            rows.writerow((row % 7, " ".join(map(str, random.integers(0, 256, 48 * 48))), usage))
    return file


@pytest.fixture
def root_of(tmp_path):
    """Makes the files of a dataset that reads some."""

    def made(name):
        if name == "fer2013":
            return fer2013(tmp_path / "fer2013.csv")
        return LAYOUTS[name](tmp_path / name) if name in LAYOUTS else None

    return made


@pytest.mark.parametrize(("kind", "name"), NAMED, ids=[f"{kind}-{name}" for kind, name in NAMED])
def test_it_conforms(kind, name, root_of):
    # What the environment installs besides must not stand in for ours.
    if name in MODELS:
        file = os.environ.get(MODELS[name])
        if not file:
            lacking = check(f"{name}@{OUR_DISTRIBUTION}", kind).failures
            assert "It takes an argument" in lacking[0].reason
            assert all("faces.model: is required" in finding.reason for finding in lacking)
            pytest.skip(f"no model: set {MODELS[name]} to its file")
        name = f"{name}@{OUR_DISTRIBUTION}:{file}"
    else:
        name = f"{name}@{OUR_DISTRIBUTION}"
    report = check(name, kind, root=root_of(name.partition("@")[0]) if kind == "dataset" else None)
    report.raise_for_failures()
    asked = [finding for finding in report.findings if finding.state == "passed"]
    assert len(asked) >= 10, "most checks apply"
