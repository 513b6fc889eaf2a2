"""Commands that show something: analyses, lists, help, doctor, data."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HEAVY = ("torch", "torchvision", "sklearn", "umap", "pandas", "numpy", "matplotlib")


def modules_after(*words, watched=HEAVY):
    """Which heavy modules a command imports."""
    code = (
        "import sys\nfrom msde_toolkit.cli.app import main\n"
        f"try:\n    main({list(words)!r})\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print(*[name for name in {watched!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stderr.split()


def test_the_first_help_imports_not_even_pydantic():
    assert modules_after("--help", watched=(*HEAVY, "pydantic")) == []


@pytest.mark.parametrize("words", [["run", "--help"], ["analyze", "--help"], ["list", "--json"], ["weights", "get"]])
def test_looking_imports_nothing_heavy(words):
    assert modules_after(*words) == []


def test_runs_are_listed_without_torch():
    assert "torch" not in modules_after("runs")


@pytest.mark.parametrize(
    "command",
    [
        *["run", "analyze", "runs", "list", "doctor", "data list", "data show", "data import"],
        *["data purge", "plugin list"],
        *["weights inspect", "weights convert", "weights get"],
    ],
)
def test_every_help_has_an_example_and_json(msde, command):
    done = msde(*command.split(), "--help")
    assert done.code == 0
    assert "Example: msde" in done.out
    assert "--json" in done.out


def test_list_as_json(msde):
    done = msde("list", "models", "--json")
    assert {"name": "scan", "distribution": "msde-toolkit", "version": "0.1.0", "target": "msde_scan.model:Scan"} in (
        json.loads(done.out)
    )
    everything = json.loads(msde("list", "--json").out)
    assert list(everything) == ["models", "losses", "datasets", "maskers", "landmarkers", "analyses"]
    names = {kind: {plugin["name"] for plugin in plugins} for kind, plugins in everything.items()}
    assert names["losses"] >= {"ce", "cl"}
    assert names["datasets"] >= {"synthetic", "fer2013"}
    one = json.loads(msde("list", "losses", "cl", "--json").out)
    assert {key: one["options"][0][key] for key in ("key", "default")} == {"key": "loss.mse_weight", "default": 0.2}


def test_every_plugin_works(msde):
    rows = json.loads(msde("plugin", "list", "--json").out)
    assert all(row["works"] for row in rows if row["distribution"] == "msde-toolkit")


def test_the_twin_has_the_papers_inventory(msde):
    shown = json.loads(msde("data", "show", "synthetic", "--json").out)
    assert (shown["samples"], shown["pairs"], shown["subjects"], shown["synthetic"]) == (1960, 857, 142, True)
    assert shown["table"][-1] == {"class": "total", "NM": 964, "M": 996, "pairs": 857, "all": 1960}
    assert "synthetic faces" in msde("data", "show", "synthetic").out


def test_gradcam_and_confusion_of_the_latest_run(msde, finished, monkeypatch):
    run, _ = finished
    Path("runs").mkdir()
    Path("runs/latest").symlink_to(run)
    done = msde("analyze", "gradcam", "--set", "analysis.samples=3", "--out", "cam", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["synthetic"] is True
    maps = np.load("cam/maps.npz", allow_pickle=False)
    with Path("cam/samples.csv").open() as file:
        shown = [row["id"] for row in csv.DictReader(file) if row["shown"] == "True"]
    assert len(shown) == 6
    assert set(shown) < set(maps["ids"]), "mask energy is measured on more than is shown"
    assert len(maps["ids"]) == len(maps["maps"])
    assert (maps["maps"] >= 0).all()
    assert all(Path("cam", name).stat().st_size > 1000 for name in json.loads(done.out)["figures"])
    done = msde("analyze", "confusion", "--out", "confusion")
    assert done.code == 0, done.err
    with Path("confusion/confusion_nm.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 49
    summary = json.loads((run / "summary.json").read_text())
    assert sum(int(row["count"]) for row in rows) == summary["metrics"]["nm"]["n"]


def test_runs_are_listed(msde, finished):
    rows = json.loads(msde("runs", finished[0].parent, "--json").out)
    assert [(row["run"], row["status"]) for row in rows] == [("run", "complete")]
    assert msde("runs").out.startswith("No runs in runs/")


def test_doctor_and_purge(msde, monkeypatch, tmp_path_factory):
    monkeypatch.setenv("MSDE_CACHE", str(tmp_path_factory.mktemp("own-cache")))
    facts = json.loads(msde("doctor", "--json").out)
    assert facts["problems"] == [] or all(isinstance(problem, str) for problem in facts["problems"])
    assert "torch" in facts
    purged = json.loads(msde("data", "purge", "--json").out)
    assert (purged["files"], purged["bytes"]) == (0, 0)


def test_version_and_debug(msde):
    assert msde("--version").out.strip() == "msde-toolkit 0.1.0"
    done = msde("run", "--model", "nothing", "--loss", "ce", "--debug")
    assert (done.code, "Traceback" in done.err) == (2, True)
