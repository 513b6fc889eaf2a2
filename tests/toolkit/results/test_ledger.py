"""The ledger: which configurations were tested on the same data."""

from __future__ import annotations

import json

import pytest

import msde_toolkit as msde
from msde_toolkit.data.image_cache import purge
from msde_toolkit.engine.evaluate import Target, evaluate
from msde_toolkit.engine.run import resume
from msde_toolkit.errors import MsdeWarning
from msde_toolkit.files import cache_directory
from msde_toolkit.results.ledger import note, record, seen, seen_by
from msde_toolkit.results.run_store import RunStore

TRAIN = {"epochs": 1, "image_size": 20}


@pytest.fixture
def run(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("MSDE_CACHE", str(tmp_path / "own-cache"))

    def start(name, **more):
        values = {"model": "tiny", "loss": "ce", "data": "dots", "folds": 2, "device": "cpu", "precision": "fp32"}
        config = msde.RunConfig.create(**{**values, "set_train": TRAIN, **more})
        return msde.run(config, out=tmp_path / name).directory

    return start


def entries():
    (file,) = cache_directory("ledger").glob("*.jsonl")
    return file, [json.loads(line) for line in file.read_text().splitlines()]


def test_another_configuration_counts_and_another_seed_does_not(run):
    first = run("first")
    assert seen_by(first) == 1
    assert note(first) is None
    run("second", repeats=2)
    assert seen_by(first) == 1
    run("third", loss="watch")
    run("fourth", set_train=TRAIN | {"batch_size": 8})
    assert seen_by(first) == 3
    assert "seen by 3 configurations" in note(first)
    assert seen("0" * 64) == 0


def test_evaluations_count_and_going_on_does_not(run, tmp_path):
    first = run("first")
    evaluate(first, Target("dots", set_data={"subjects": 6}), out=tmp_path / "again")
    _, before = entries()
    assert [line["run"] for line in before] == ["first", "again"]
    assert seen_by(first) == 1
    summary = (first / "summary.json").read_bytes()
    resume(first)
    assert entries()[1] == before
    assert (first / "summary.json").read_bytes() == summary


def test_it_says_nothing_of_places_and_outlives_a_purge(run, tmp_path):
    first = run("first")
    file, (line,) = entries()
    assert set(line) == {"configuration", "run", "date"}
    assert str(tmp_path) not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    purge()
    assert seen_by(first) == 1


def test_a_damaged_line_is_passed_over_and_a_torn_one_closed(run):
    first = run("first")
    file, _ = entries()
    with file.open("ab") as stream:
        stream.write(b'\xff[]\n{"configuration": 3}\n{"configuration": "ab')
    run("second", loss="watch")
    assert seen_by(first) == 2


def test_a_ledger_that_cannot_be_written_is_a_warning(run, tmp_path):
    first = run("first")
    (cache_directory("ledger")).rename(tmp_path / "elsewhere")
    (tmp_path / "own-cache" / "ledger").touch()
    with pytest.warns(MsdeWarning, match="ledger of tested configurations could not be written"):
        record(RunStore(first))
    assert seen_by(first) == 0
