"""``msde run``: files, numbers, stopping and going on."""

import json
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from command import SCAN_CL, TINY, spawn

from msde_toolkit.engine.config import RunConfig
from msde_toolkit.engine.run_directory import new_directory

METRICS = {"accuracy", "balanced_accuracy", "macro_f1", "recall", "majority_baseline", "n"}


def test_the_files_of_a_run(finished):
    run, _ = finished
    top = {"config.toml", "provenance.json", "manifest.parquet", "folds.json", "folds", "summary.json"}
    assert {path.name for path in run.iterdir()} - {"analyses"} == top
    for fold in ("00", "01"):
        files = {path.name for path in (run / "folds" / fold).iterdir()}
        assert files == {"history.jsonl", "model.safetensors", "predictions.parquet"}
        epochs = [json.loads(line) for line in (run / "folds" / fold / "history.jsonl").read_text().splitlines()]
        assert [line["epoch"] for line in epochs] == [0, 1]
        assert {"mse", "nm.attention", "m.regions", "total"} <= set(epochs[0]["loss"])


def test_the_summary_says_everything(finished):
    run, printed = finished
    summary = json.loads((run / "summary.json").read_text())
    assert json.loads(printed.out) == {"directory": "run", **summary}
    assert (summary["schema"], summary["status"], summary["synthetic"]) == (1, "complete", True)
    assert (summary["model"], summary["loss"], summary["dataset"], summary["preset"]) == (
        "scan",
        "cl",
        "synthetic",
        "quick",
    )
    assert (summary["identity"], summary["interval_unit"], summary["folds"]) == ("independent", "subject", ["00", "01"])
    assert set(summary["metrics"]) == {"nm", "m", "average", "gap"}
    for condition in ("nm", "m"):
        metrics = summary["metrics"][condition]
        assert set(metrics) == METRICS
        accuracy = metrics["accuracy"]
        assert accuracy["ci95"][0] <= accuracy["pooled"] <= accuracy["ci95"][1]
        assert list(metrics["recall"]) == ["surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"]
    assert any("not for citation" in note for note in summary["notes"])
    assert any("unreliable" in note for note in summary["notes"])
    assert summary["parameters"]["trainable"] > 1e6


def test_accuracies_come_from_the_predictions(finished):
    run, _ = finished
    tables = [pd.read_parquet(path) for path in sorted(run.glob("folds/*/predictions.parquet"))]
    assert list(tables[0].columns) == [
        "id", "subject", "pair", "condition", "label", "fold", "repeat", "seed", "logits",
    ]  # fmt: skip
    assert not set(tables[0]["subject"]) & set(tables[1]["subject"])
    table = pd.concat(tables)
    assert table["id"].is_unique
    right = table["logits"].map(lambda row: row.argmax()) == table["label"]
    summary = json.loads((run / "summary.json").read_text())
    for condition in ("nm", "m"):
        expected = right[table["condition"] == condition].mean()
        assert summary["metrics"][condition]["accuracy"]["pooled"] == pytest.approx(expected)


def test_provenance_names_no_folder_of_this_machine(finished):
    run, _ = finished
    text = (run / "provenance.json").read_text()
    assert not re.search(r'"/|[A-Z]:\\\\', text)
    facts = json.loads(text)
    assert facts["plugins"]["model"]["target"] == "msde_scan.model:Scan"
    assert len(facts["data"]["manifest_sha256"]) == 64


def test_a_killed_run_ends_in_the_same_numbers(msde, finished, tmp_path):
    whole, _ = finished
    process = spawn(tmp_path, *SCAN_CL, "--out", "run", "--precision", "fp32", "--set", "train.checkpoint_seconds=0")
    until_the_first_epoch(process)
    process.kill()
    process.communicate()
    assert (tmp_path / "run" / "folds" / "00" / "last.ckpt").exists()
    assert not (tmp_path / "run" / "summary.json").exists()
    done = msde("run", "--resume", "run", "--quiet")
    assert done.code == 0, done.err
    assert "scan + cl on synthetic faces" in done.out
    ours, theirs = (json.loads((path / "summary.json").read_text())["metrics"] for path in (tmp_path / "run", whole))
    assert ours == theirs


def test_ctrl_c_says_how_to_go_on(finished, tmp_path):
    process = spawn(tmp_path, *SCAN_CL, "--out", "run", "--set", "train.epochs=500", "--set", "train.image_budget=0")
    until_the_first_epoch(process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "msde run --resume run" in err
    assert "Traceback" not in err


def until_the_first_epoch(process):
    """Read what the run says until its first epoch is over."""
    for line in process.stderr:
        if "epoch 1/" in line:
            return
    pytest.fail("the run ended before its first epoch")


def test_resuming_a_finished_run_prints_it_again(msde, finished):
    run, _ = finished
    before = (run / "summary.json").read_bytes()
    files = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
    done = msde("run", "--resume", run, "--quiet", "--json")
    assert done.code == 0, done.err
    assert {path: path.stat().st_mtime_ns for path in files} == files, "nothing is written again"
    assert json.loads(done.out)["metrics"] == json.loads(before)["metrics"]


def test_resume_takes_no_other_options(msde, finished):
    done = msde("run", "--resume", finished[0], "--model", "scan")
    assert (done.code, "leave out --model" in done.err) == (2, True)


def test_plain_lines_without_a_terminal(msde):
    done = msde("run", "--model", "resnet18", "--loss", "ce", *TINY, "--set", "train.epochs=1", "--train-on", "nm")
    assert done.code == 0, done.err
    assert "\x1b[" not in done.out + done.err
    assert "synthetic faces" in done.out
    assert "M (mask)" in done.out, "every condition is tested, whatever was trained on"
    assert "fold 00 done" in done.err


@pytest.mark.parametrize("width", [40, 60, 200])
def test_tables_fit_any_width(msde, monkeypatch, finished, width):
    monkeypatch.setenv("COLUMNS", str(width))
    done = msde("run", "--resume", finished[0], "--quiet")
    assert done.code == 0
    table = [line for line in done.out.splitlines() if line and line[0] in "┏┃┡│└"]
    assert len(table) >= 8
    assert all(len(line) <= width for line in table)


def test_repeats_and_inner_selection(msde):
    done = msde(
        "run", "--model", "resnet18", "--loss", "ce", *TINY, "--set", "train.epochs=2", "--repeats", 2,
        "--select", "inner", "--out", "run", "--json", "-q",
    )  # fmt: skip
    assert done.code == 0, done.err
    summary = json.loads(done.out)
    assert (summary["repeats"], summary["select"]) == (2, "inner")

    first, second = (
        pd.read_parquet(Path("run") / name / "00" / "predictions.parquet") for name in ("folds", "repeats/01/folds")
    )
    assert list(first["id"]) == list(second["id"])
    assert any((a != b).any() for a, b in zip(first["logits"], second["logits"], strict=True))
    history = Path("run/folds/00/history.jsonl").read_text().splitlines()
    assert all("inner_accuracy" in json.loads(line) for line in history)


def test_folds_of_an_earlier_run(msde, finished):
    run, _ = finished
    done = msde(
        "run",
        "--model",
        "resnet18",
        "--loss",
        "ce",
        *TINY[:-2],
        "--set",
        "train.epochs=1",
        "--folds",
        run / "folds.json",
        "--out",
        "b",
        "-q",
    )
    assert done.code == 0, done.err

    assert (
        json.loads(Path("b/folds.json").read_text())["folds"] == json.loads((run / "folds.json").read_text())["folds"]
    )


def test_the_config_of_a_run_runs_it_again(msde, finished):
    done = msde("run", "--config", finished[0] / "config.toml", "--out", "again", "-q", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["metrics"] == json.loads(finished[1].out)["metrics"]


def test_training_that_diverges_is_no_result(msde):
    rates = ["train.schedule=constant", "train.lr_head=1e30", "train.lr_backbone=1e30"]
    words = [word for rate in rates for word in ("--set", rate)]
    done = msde("run", "--model", "resnet18", "--loss", "ce", *TINY, *words)
    assert (done.code, done.out) == (1, "")
    assert "Lower the learning rate" in done.err
    (row,) = json.loads(msde("runs", "--json").out)
    assert (row["status"], row["nm"]) == ("unfinished", None)


def test_notes_name_the_values_that_were_used(finished):
    (note,) = [note for note in json.loads((finished[0] / "summary.json").read_text())["notes"] if "preset" in note]
    assert {"subjects 6", "size 64", "40 px (paper 224)", "2 epochs (paper 25)", "backbone resnet18"} <= set(
        note.split(": ")[1].split(", ")
    )


def test_runs_that_start_together_get_a_folder_each(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = RunConfig.create(model="scan", loss="cl")
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_directory(config, None), range(40)))
    assert len(set(made)) == 40
    assert all(path.is_dir() and path.parent.name == "runs" for path in made)


@pytest.mark.cuda
def test_on_a_gpu(msde):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    for precision in ("fp32", "bf16"):
        done = msde(*SCAN_CL, "--device", "cuda", "--precision", precision, "--out", precision, "-q")
        assert done.code == 0, done.err
