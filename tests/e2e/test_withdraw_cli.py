"""``msde data withdraw`` as a user meets it: what it says and does, and where a tainted run is shown from then on."""

import json
import shutil

import pandas as pd
import pytest

from msde_toolkit.cli.tables import print_summary
from msde_toolkit.results.run_store import read_json
from msde_toolkit.types import Manifest, load_manifest

DATA = ["--data", "synthetic", "--set", "data.subjects=6", "--set", "data.size=64"]


@pytest.fixture
def runs(finished, msde, tmp_path, monkeypatch):
    """A finished run in ``runs/A``, an empty cache."""
    monkeypatch.setenv("MSDE_CACHE", str(tmp_path / "cache"))
    shutil.copytree(finished[0], tmp_path / "runs" / "A")
    return tmp_path / "runs"


@pytest.fixture
def club(tmp_path):
    """A manifest of two people's photos."""
    rows = [
        {"id": f"{who}-{label}", "subject": who, "label": label, "path": f"{who}/{label}.jpg"}
        for who in ("anna", "ben")
        for label in (0, 1)
    ]
    (tmp_path / "club").mkdir()
    file = tmp_path / "club" / "club.parquet"
    Manifest.from_frame(pd.DataFrame(rows), "club").save(file)
    return file


def test_a_run_is_marked_and_every_command_shows_it(msde, runs, capsys):
    words = ["data", "withdraw", "s001", *DATA]
    dry = msde(*words, "--dry-run")
    assert dry.code == 0
    assert "Nothing was changed (--dry-run)." in dry.out
    assert "trained on them" in dry.out
    assert not (runs / "A/tainted.json").exists()
    done = json.loads(msde(*words, "--json").out)
    assert (done["dataset"], done["subject"], done["manifest"], done["dry_run"]) == ("synthetic", "s001", None, False)
    assert done["pairs"] == len(done["samples"]) / 2 > 0
    (run,) = done["runs"]
    assert (run["run"], run["not_affected"], len(run["checkpoints"])) == ("A", 1, 1)
    assert done["not_marked"] == {}
    assert done["yours_to_delete"] == [], "there are no files of drawn faces"
    assert "TAINTED" in msde("runs").out
    (row,) = json.loads(msde("runs", "--json").out)
    assert row["status"].endswith("TAINTED")
    assert row["tainted"][0].startswith("s001 of synthetic withdrew")
    print_summary(runs / "A", read_json(runs / "A/summary.json"))
    assert "TAINTED: s001 of synthetic withdrew" in capsys.readouterr().out
    analysed = msde("analyze", "confusion", "--run", "runs/A", "--json")
    assert "TAINTED: run run, s001 of synthetic withdrew" in analysed.err.replace("\n", " ")
    assert json.loads(analysed.out)["tainted"][0].startswith(f"{json.loads(analysed.out)['runs'][0]}: s001")


def test_rows_leave_the_manifest_and_photos_are_told(msde, club, tmp_path):
    shown = msde("data", "withdraw", "anna", "--manifest", club, "--root", tmp_path / "photos")
    assert shown.code == 0
    assert "2 samples with 0 pairs go" in shown.out
    assert str(tmp_path / "photos" / "anna" / "0.jpg") in shown.out
    assert "runs: none has seen them" in shown.out
    assert set(load_manifest(club).frame["subject"]) == {"ben"}
    again = msde("data", "withdraw", "anna", "--manifest", club)
    assert again.code == 2
    assert "anna: no such subject in club" in again.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "Give the manifest that they are in (--manifest FILE) or a dataset (--data NAME)"),
        (["--manifest", "club/club.parquet", "--data", "synthetic"], "one of the two"),
        (["--manifest", "club/club.parquet", "--set", "data.size=64"], "--set belongs to --data"),
        (["--manifest", "club/none.parquet"], "club/none.parquet: cannot be read"),
        (["--manifest", "club/club.parquet", "--runs", "nowhere"], "--runs nowhere: no such folder"),
        (["--manifest", "runs/A/manifest.parquet"], "is a run's record of what it was trained on"),
    ],
)
def test_wrong_use_is_refused_and_nothing_is_touched(msde, club, runs, words, told):
    before = club.read_bytes()
    refused = msde("data", "withdraw", "anna", *words)
    assert (refused.code, refused.out) == (2, "")
    assert told in refused.err
    assert club.read_bytes() == before


def test_a_mark_that_cannot_be_written_is_a_failure_that_is_told(msde, runs):
    (runs / "A" / "tainted.json").mkdir()
    failed = msde("data", "withdraw", "s001", *DATA)
    assert failed.code == 1
    assert "Not marked: runs/A" in failed.err
