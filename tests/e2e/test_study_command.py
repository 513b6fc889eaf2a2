"""``msde run --study`` and ``msde analyze --study`` as their user types them; docs/studies.md has the whole course."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_plugins import tiny_plugins

from msde_toolkit.engine.study.definition import load_study

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "studies").glob("*.toml"))

TEXT = """
name = "one"
folds = 2
precision = "fp32"
device = "cpu"
set_train = { epochs = 1, image_size = 20 }

[data]
name = "dots"

[[method]]
name = "ce"
model = "tiny"
loss = "ce"
"""


@pytest.fixture
def file(tmp_path, tmp_path_factory):
    """A study of the tests' tiny plugins: a second, and still the whole way."""
    (tmp_path / "study.toml").write_text(TEXT)
    with tiny_plugins(tmp_path_factory.mktemp("tiny")):
        yield "study.toml"


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_the_ready_studies_can_be_read(path):
    study = load_study(path)
    assert study.name == path.stem
    assert {spec.train_on for spec in study.method} == {"nm", "m"}
    assert study.target


def test_a_study_is_run_shown_again_and_analysed(msde, file):
    done = msde("run", "--study", file, "--json", "--quiet")
    assert done.code == 0, done.err
    (row,) = json.loads(done.out)["results"]
    assert (row["method"], row["target"], row["status"]) == ("ce", None, "complete")
    assert Path(row["directory"]) == Path("runs/one/runs/ce")
    again = msde("run", "--study", "runs/one")
    assert "Method" not in again.err
    assert "95 % interval" in again.out
    assert "synthetic faces" in again.out
    analysed = msde("analyze", "confusion", "--study", "runs/one", "--json")
    assert analysed.code == 0, analysed.err
    assert json.loads(analysed.out)["runs"] == ["ce"]
    assert Path("runs/one/analyses/confusion/result.json").is_file()
    refused = msde("analyze", "cross-dataset", "--study", "runs/one")
    assert refused.code == 2
    assert "nothing given is an evaluation of a run on another dataset" in refused.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--study", "none.toml"], "none.toml: cannot be read"),
        (["run", "--study", "."], "study.toml: cannot be read"),
        (["run", "--study", "x", "--seed", "1", "--set", "train.epochs=1"], "leave out --seed, --set"),
        (["run", "--study", "x", "--resume", "y"], "leave out --resume"),
        (["analyze", "confusion", "--study", "."], "not a study"),
        (["analyze", "confusion", "--study", ".", "--run", "x"], "leave out --run"),
        (["analyze", "cross-dataset"], "cross-dataset reads the runs of a study: --study DIR"),
    ],
)
def test_wrong_words_end_with_two(msde, words, message):
    done = msde(*words)
    assert done.code == 2
    assert message in done.err
