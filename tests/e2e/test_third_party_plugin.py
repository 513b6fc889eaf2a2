"""A stranger's plugin package: built, installed beside the toolkit, listed, run, analysed and switched off."""

import csv
import json

import pytest
from environment import EXAMPLES, PACKAGES
from packaging.requirements import Requirement

from msde_toolkit import __version__

TINYNET = {
    "name": "tinynet",
    "distribution": "msde-plugin-example",
    "version": "0.1.0",
    "target": "msde_plugin_example.tinynet:TinyNet",
}


def models(environment, *words, **variables):
    return json.loads(environment.msde("list", "models", "--json", *words, **variables).stdout)


def test_it_is_listed_until_it_is_switched_off(environment):
    assert TINYNET in models(environment)
    assert TINYNET in models(environment, MSDE_PLUGINS="other, MSDE_plugin_example")
    for words, variables in (
        ((), {"MSDE_PLUGINS": ""}),
        (("--no-plugins",), {}),
        ((), {"MSDE_PLUGINS": "other"}),
    ):
        listed = models(environment, *words, **variables)
        assert {entry["distribution"] for entry in listed} == {"msde-toolkit"}
        assert "scan" in {entry["name"] for entry in listed}
    refused = environment.msde("list", "models", "tinynet", "--no-plugins", code=2)
    assert "Unknown model 'tinynet'" in refused.stderr
    assert "third-party plugins are off" in refused.stderr


def test_it_is_run_analysed_and_recorded(environment):
    run, epochs = environment.folder / "run", environment.folder / "epochs.csv"
    settings = ("data.subjects=6", "data.size=64", "train.epochs=1", "train.image_size=32", "model.width=4")
    train = [
        "run", "--model", "tinynet", "--loss", "ce", "--folds", "2", "--device", "cpu", "--out", run, "--quiet",
        *(word for setting in settings for word in ("--set", setting)),
    ]  # fmt: skip
    look = ["analyze", "reliability", "--run", run]
    environment.each(train, look, MSDE_EPOCHS_CSV=str(epochs))
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["model"], summary["synthetic"], summary["status"]) == ("tinynet", True, "complete")
    assert (run / "folds" / "01" / "model.safetensors").is_file()
    assert json.loads((run / "provenance.json").read_text())["plugins"]["model"] == TINYNET
    with epochs.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["term"] == "total"]
    assert [(row["run"], row["fold"], row["epoch"]) for row in rows] == [("run", "00", "0"), ("run", "01", "0")]

    result = json.loads((run / "analyses" / "reliability" / "result.json").read_text())
    assert result["plugin"]["distribution"] == "msde-plugin-example"
    assert result["synthetic"]
    by_condition = {finding["condition"]: finding for finding in result["summary"]["runs"]}
    for condition in ("nm", "m"):
        expected = summary["metrics"][condition]
        assert by_condition[condition]["accuracy"] == pytest.approx(expected["accuracy"]["pooled"])
        assert by_condition[condition]["n"] == expected["n"]
    written = {path.name for path in (run / "analyses" / "reliability").iterdir()}
    assert written == {"result.json", "reliability.csv", "reliability.png", "reliability.svg"}


def test_its_version_range_lets_this_toolkit_in(environment):
    listed = environment("-c", "import importlib.metadata as m; print(m.requires('msde-plugin-example')[0])")
    needed = Requirement(listed.stdout.strip())
    assert needed.name == "msde-toolkit"
    assert needed.specifier.contains(__version__)
    assert not needed.specifier.contains("0.2.0")


def test_the_own_tests_of_all_examples_pass(environment):
    folders = [EXAMPLES / package / "tests" for package in PACKAGES]
    # Together they would find the toolkit's own options, made for its own tests.
    done = environment("-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider", "-p", "no:xdist", *folders)
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
