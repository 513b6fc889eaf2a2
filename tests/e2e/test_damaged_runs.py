"""Runs whose files are not what they were: named when they are read, mended by --resume where that is possible."""

import json
import shutil
from pathlib import Path

import pytest


@pytest.fixture
def copy(finished, tmp_path_factory):
    """A copy of the finished run that a test may damage."""
    folder = tmp_path_factory.mktemp("damaged") / "run"
    shutil.copytree(finished[0], folder, ignore=shutil.ignore_patterns("analyses"))
    return folder


def entry(name, value, *path):
    """An edit of a JSON file that sets (or, with ..., removes) an entry."""

    def edit(run):
        document = json.loads((run / name).read_text())
        inner = document
        for step in path[:-1]:
            inner = inner[step]
        if value is ...:
            del inner[path[-1]]
        else:
            inner[path[-1]] = value
        (run / name).write_text(json.dumps(document))

    return edit


def swapped(name, other):
    def edit(run):
        shutil.copy(run / other, run / name)

    return edit


def cut(name):
    def edit(run):
        (run / name).write_bytes((run / name).read_bytes()[:-500])

    return edit


def gone(name):
    return lambda run: (run / name).unlink()


def garbage(name):
    return lambda run: (run / name).write_bytes(b"\x00\x01\xff not what it was")


PREDICTIONS = "folds/01/predictions.parquet"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (entry("summary.json", [], "folds"), ["summary.json", "'folds'"]),
        (entry("summary.json", "00", "folds"), ["summary.json", "'folds'"]),
        (entry("summary.json", ["../../elsewhere"], "folds"), ["summary.json", "'folds.0'"]),
        (entry("summary.json", ["00", "01", "02"], "folds"), ["02", "--resume"]),
        (entry("summary.json", "many", "repeats"), ["summary.json", "'repeats'"]),
        (entry("summary.json", 2, "repeats"), ["repeats", "--resume"]),
        (entry("summary.json", ..., "synthetic"), ["summary.json", "'synthetic'"]),
        (entry("provenance.json", {}, "plugins"), ["provenance.json", "'plugins.model'"]),
        (entry("provenance.json", {}, "options"), ["provenance.json", "'options.model'"]),
        (entry("provenance.json", [], "options"), ["provenance.json", "'options'"]),
        (entry("provenance.json", "big", "options", "train", "image_size"), ["provenance.json", "image_size"]),
        (entry("provenance.json", "nothing", "plugins", "model", "name"), ["'nothing@msde-toolkit'"]),
        (gone("provenance.json"), ["provenance.json", "cannot be read"]),
        (cut("manifest.parquet"), ["manifest.parquet"]),
        (gone("manifest.parquet"), ["manifest.parquet"]),
        (swapped("manifest.parquet", PREDICTIONS), ["manifest.parquet"]),
        (cut(PREDICTIONS), [PREDICTIONS, "--resume"]),
        (gone(PREDICTIONS), [PREDICTIONS, "--resume"]),
        (swapped(PREDICTIONS, "manifest.parquet"), [PREDICTIONS, "--resume"]),
        (cut("folds/00/model.safetensors"), ["model.safetensors"]),
        (gone("folds/00/model.safetensors"), ["model.safetensors"]),
        (swapped("folds/00/model.safetensors", "manifest.parquet"), ["model.safetensors"]),
        (gone("config.toml"), ["not a run"]),
        (garbage("config.toml"), ["config.toml", "damaged TOML"]),
        (garbage("summary.json"), ["summary.json", "damaged JSON"]),
        (garbage("provenance.json"), ["provenance.json", "damaged JSON"]),
        (garbage("manifest.parquet"), ["manifest.parquet"]),
        (garbage(PREDICTIONS), [PREDICTIONS]),
        (garbage("folds/01/model.safetensors"), ["model.safetensors"]),
    ],
)
def test_an_analysis_names_what_is_wrong(msde, copy, edit, said):
    edit(copy)
    done = msde("analyze", "gradcam", "--run", copy, "--set", "analysis.samples=14")
    assert (done.code, done.out) == (2, ""), done.err
    assert done.err.startswith("Error: ")
    assert len(done.err.splitlines()) <= 2
    for word in said:
        assert word in done.err
    assert not (copy / "analyses").exists()


def test_resume_mends_what_it_can(msde, finished, copy):
    before = json.loads((copy / "summary.json").read_text())["metrics"]
    kept = (copy / "folds" / "00" / "predictions.parquet").stat().st_mtime_ns
    swapped(PREDICTIONS, "manifest.parquet")(copy)
    cut("manifest.parquet")(copy)
    (copy / "summary.json").write_text("{")
    (copy / "folds" / "01" / ".history.jsonl.0a1b2c.partial").write_text("half a li")
    done = msde("run", "--resume", copy, "--quiet", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["metrics"] == before, "the fold that was trained again has the same numbers"
    assert (copy / "folds" / "00" / "predictions.parquet").stat().st_mtime_ns == kept, "the other was left alone"
    assert {path.name for path in (copy / "folds" / "01").iterdir()} == {
        "history.jsonl", "model.safetensors", "predictions.parquet",
    }  # fmt: skip
    assert (copy / "manifest.parquet").read_bytes() == (finished[0] / "manifest.parquet").read_bytes()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda run: (run / "config.toml").write_text("model = ["), ["config.toml", "damaged TOML"]),
        (lambda run: (run / "config.toml").write_text(""), ["config.toml is damaged"]),
        (lambda run: (run / "folds.json").write_text("{"), ["folds.json"]),
        (entry("folds.json", ["s001"], "folds", 0, "test"), ["the folds are not those", "start a new run"]),
        (entry("provenance.json", {}, "precision"), ["provenance.json", "damaged"]),
        (entry("provenance.json", 99, "options", "train", "epochs"), ["options", "start a new run"]),
        (entry("provenance.json", "9.9", "plugins", "model", "version"), ["plugins", "versions", "start a new run"]),
        (entry("provenance.json", "0" * 64, "data", "manifest_sha256"), ["not the data", "start a new run"]),
    ],
)
def test_resume_refuses_what_it_cannot(msde, copy, edit, said):
    (copy / "summary.json").unlink()
    edit(copy)
    done = msde("run", "--resume", copy, "--quiet")
    assert (done.code, done.out) == (2, ""), done.err
    assert done.err.startswith("Error: ")
    assert len(done.err.splitlines()) <= 2
    for word in said:
        assert word in done.err
    assert not (copy / "summary.json").exists()


def test_runs_shows_damaged_ones_as_such(msde, copy):
    rows = {}
    for name, file in (("whole", None), ("summary", "summary.json"), ("config", "config.toml")):
        folder = Path("runs") / name
        shutil.copytree(copy, folder, ignore=shutil.ignore_patterns("folds"))
        if file is not None:
            (folder / file).write_text("")
        rows[name] = "complete" if file is None else "damaged"
    assert {row["run"]: row["status"] for row in json.loads(msde("runs", "--json").out)} == rows
    assert "None" not in msde("runs").out
