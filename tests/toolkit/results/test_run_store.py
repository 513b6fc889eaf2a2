"""The files of a run: whole or not there, and named when they are damaged."""

from __future__ import annotations

import os
import stat

import numpy as np
import pandas as pd
import pytest

from msde_toolkit.errors import InputError
from msde_toolkit.results.run_store import (
    RunStore,
    all_runs,
    find_runs,
    latest_finished,
    read_json,
    read_toml,
    whole,
    write_json,
    write_text,
)


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with whole(path) as partial:
        partial.write_text("half")
        assert not path.exists()
    assert path.read_text() == "half"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")

    def interrupted():
        with whole(path) as partial:
            partial.write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_files_follow_the_users_umask(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        write_text(tmp_path / "file", "x")
        assert os.umask(mask) == mask, "and the umask is as it was"
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


def test_json_is_strict_and_keeps_its_order(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": "é", "c": [None, 0.1]})
    assert (tmp_path / "a.json").read_text(encoding="utf-8").startswith('{\n  "b": 1,\n  "a": "é"')
    assert read_json(tmp_path / "a.json") == {"b": 1, "a": "é", "c": [None, 0.1]}
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert read_json(tmp_path / "a.json")["b"] == 1


@pytest.mark.parametrize(("read", "kind"), [(read_json, "JSON"), (read_toml, "TOML")])
def test_what_cannot_be_read_is_named(tmp_path, read, kind):
    with pytest.raises(InputError, match="file: cannot be read"):
        read(tmp_path / "file")
    for content in (b"{", b"\xff", b"= 3"):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(InputError, match=rf"file: damaged {kind}"):
            read(tmp_path / "file")


def fold_table(fold, repeat, logits):
    ids = [f"{fold}-{repeat}-{n}" for n in range(len(logits))]
    facts = {"subject": "s1", "pair": None, "condition": "nm", "label": 0, "fold": fold, "repeat": repeat, "seed": 0}
    return pd.DataFrame({"id": ids, **facts, "logits": logits})


def test_predictions_of_all_folds_and_repeats_with_what_was_predicted(tmp_path):
    store = RunStore(tmp_path)
    logits = [[0.1, 2.0, -1.0], [3.0, 3.0, 1.0], [-5.0, -4.0, -3.0]]
    for repeat in (0, 1):
        for fold in ("00", "01"):
            store.fold(fold, repeat).write_predictions(fold_table(fold, repeat, logits))
    table = store.read_predictions(["00", "01"], 2)
    assert table["predicted"].tolist() == [1, 0, 2] * 4
    assert table["id"].tolist()[::3] == ["00-0-0", "01-0-0", "00-1-0", "01-1-0"]
    assert np.asarray(table["logits"][1]).tolist() == logits[1]
    assert (tmp_path / "repeats/01/folds/00/predictions.parquet").exists()


@pytest.mark.parametrize("content", [None, b"", b"PAR1", b"nothing"])
def test_missing_or_damaged_predictions_are_named(tmp_path, content):
    store = RunStore(tmp_path)
    store.fold("00").write_predictions(fold_table("00", 0, [[1.0, 2.0]]))
    damaged = store.fold("01").predictions
    if content is not None:
        damaged.parent.mkdir(parents=True)
        damaged.write_bytes(content)
    with pytest.raises(InputError, match=r"01/predictions\.parquet: predictions are missing or damaged; .*--resume"):
        store.read_predictions(["00", "01"], 1)
    assert store.fold("01").read_predictions() is None


def test_a_fold_is_done_with_its_model(tmp_path):
    files = RunStore(tmp_path).fold("00")
    files.write_predictions(fold_table("00", 0, [[1.0, 2.0]]))
    assert not files.done
    assert files.read_predictions() is None
    write_text(files.model, "weights")
    assert files.done
    assert files.read_predictions()["id"].tolist() == ["00-0-0"]


def test_history(tmp_path):
    files = RunStore(tmp_path).fold("00")
    assert files.read_history() == []
    files.write_history([{"epoch": 0, "loss": {"ce": 1.5}}, {"epoch": 1, "loss": {"ce": 1.0}}])
    assert [line["epoch"] for line in files.read_history()] == [0, 1]
    assert files.history.read_text().count("\n") == 2
    files.history.write_text('{"epoch": 0}\n{"epo')
    with pytest.raises(InputError, match=r"history\.jsonl: damaged history .*remove the file"):
        files.read_history()


def test_runs_are_found_oldest_first(tmp_path):
    def make(name, second, *files):
        for file in files:
            write_text(tmp_path / name / file, "x")
            os.utime(tmp_path / name / file, (second, second))

    assert find_runs(tmp_path / "nowhere") == []
    with pytest.raises(InputError, match=r"There is no finished run in .*Start one: msde run"):
        latest_finished(tmp_path)
    parts = ("config.toml", "manifest.parquet")
    make("b-old", 100, *parts, "summary.json")
    make("a-new", 200, *parts)
    make("no run", 300, "config.toml")
    make("c-older-but-finished-later", 50, *parts)
    make("c-older-but-finished-later", 300, "summary.json")
    assert [path.name for path in find_runs(tmp_path)] == ["c-older-but-finished-later", "b-old", "a-new"]
    assert latest_finished(tmp_path).name == "c-older-but-finished-later"


def test_runs_are_found_at_any_depth_and_behind_links_once(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for place in ("runs/a", "runs/study/b", "elsewhere/c"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "config.toml").touch()
        (tmp_path / place / "manifest.parquet").touch()
    (tmp_path / "runs/study/config.toml").touch()
    (tmp_path / "runs/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "runs/link/back").symlink_to(tmp_path / "runs")
    found = [path.relative_to(tmp_path) for path in all_runs(tmp_path / "runs")]
    assert [str(path) for path in found] == ["runs/a", "runs/link/c", "runs/study/b"]
    assert all_runs(tmp_path / "runs/a") == [tmp_path / "runs/a"]
    assert all_runs(tmp_path / "nowhere") == []
