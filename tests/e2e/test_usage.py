"""The command line itself: mistakes of usage, help, what is printed on which terminal."""

import inspect
import json
import os
import shutil
import tomllib
from pathlib import Path

import pytest
from command import spawn

from msde_toolkit.cli import commands

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "run": commands.run.run,
    "analyze": commands.analyze.analyze,
    "runs": commands.runs.runs,
    "list": commands.listing.list_plugins,
    "doctor": commands.doctor.doctor,
    "data list": commands.data_list.list_datasets,
    "data show": commands.data_show.show,
    "data import": commands.data_import.import_,
    "data audit": commands.audit.audit,
    "data purge": commands.data.purge,
    "plugin list": commands.plugin.list_all,
    "weights inspect": commands.weights.inspect,
    "weights convert": commands.weights.convert,
    "weights get": commands.weights.get,
}


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        ("run --epochs 3", "No such option: --epochs", "Try: msde run --help"),
        ("run --seed x", "--seed", "Try: msde run --help"),
        ("run --repeats 1.5", "--repeats", "Try: msde run --help"),
        ("run scan cl", "extra argument", "Try: msde run --help"),
        ("run --model scan --set", "--set", "Try: msde"),
        ("rnu", "Did you mean 'run'?", "Try: msde --help"),
        ("analyze", "Missing argument", "Try: msde analyze --help"),
        ("data sho", "Did you mean 'show'?", "Try: msde data --help"),
        ("list profiles code", "list profiles code: takes no name", "takes no name"),
        ("list models scan extra", "extra argument", "Try: msde list --help"),
        ("run --model= --loss ce", "Nothing stands after --model", "empty?"),
    ],
)
def test_wrong_use_is_told_in_two_lines(msde, words, said, hint):
    done = msde(*words.split())
    lines = done.err.rstrip().splitlines()
    assert (done.code, done.out) == (2, "")
    assert lines[0].startswith("Error: ")
    assert said in lines[0]
    assert hint in lines[-1]
    assert len(lines) <= 2


@pytest.mark.parametrize("option", ["--model", "--out", "--root", "--weights", "--config", "--resume", "--folds"])
def test_an_empty_variable_of_the_shell(msde, option):
    done = msde("run", "--model", "resnet18", "--loss", "ce", option, "")
    assert done.code == 2
    assert done.err == f"Error: Nothing stands after {option}: is a shell variable empty?\n"
    assert not list(Path.cwd().iterdir())


def test_a_name_that_is_not_utf8(msde):
    done = msde("run", "--model", "resnet18", "--loss", "ce", "--out", os.fsdecode(b"a\xff"))
    assert (done.code, done.err.count("Error: ")) == (2, 1)
    assert "not UTF-8" in done.err
    assert not list(Path.cwd().iterdir())


def test_a_home_that_the_shell_did_not_write_out(msde, monkeypatch, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    (home / "run.toml").write_text('data = "fer2013"\nroot = "~/fer2013.csv"\n')
    run = ["run", "--model", "resnet18", "--loss", "ce"]
    for words in (["--data=fer2013", "--root=~/fer2013.csv"], ["--config=~/run.toml"]):
        done = msde(*run, *words)
        assert (done.code, f"--root {home}/fer2013.csv: nothing there" in done.err) == (2, True)


def test_bare_msde_shows_the_commands(msde):
    for words in ([], ["data"], ["plugin"]):
        done = msde(*words)
        assert "Usage: msde" in done.out
        assert done.err == ""
    assert all(f" {name.split()[0]} " in msde().out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_80_columns_and_names_every_option(msde, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "80")
    done = msde(*name.split(), "--help")
    assert done.code == 0
    assert "…" not in done.out, "nothing is cut off"
    assert max(map(len, done.out.splitlines())) <= 80
    assert "\x1b[" not in done.out
    for parameter in inspect.signature(COMMANDS[name]).parameters:
        word = "--set" if parameter == "settings" else f"--{parameter.replace('_', '-')}"
        assert word in done.out or f"[{parameter}]" in done.out.lower() or f" {parameter} " in done.out, parameter


def test_the_list_is_what_the_distribution_declares(msde, monkeypatch):
    monkeypatch.setenv("MSDE_PLUGINS", "")
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    listed = json.loads(msde("list", "--json").out)
    assert {kind: {row["name"]: row["target"] for row in rows} for kind, rows in listed.items()} == {
        kind: declared.get(f"msde.{kind}", {}) for kind in listed
    }
    plain = msde("list").out
    assert all(
        name in plain and target in plain for kind in listed for name, target in declared[f"msde.{kind}"].items()
    )


@pytest.fixture
def oddly_named(finished, tmp_path):
    """A run whose folder has a name that means something to rich and to few encodings."""
    run = tmp_path / "runs" / "[red]Zoë[dim]-20261124-1530-scan-cl-synthetic"
    run.parent.mkdir()
    run.symlink_to(finished[0])
    return run


@pytest.mark.parametrize("width", [60, 80, 200])
def test_names_are_printed_whole_and_as_they_are(msde, monkeypatch, oddly_named, width):
    monkeypatch.setenv("COLUMNS", str(width))
    done = msde("runs")
    assert max(map(len, done.out.splitlines())) <= width
    first_column = "".join(line.split("│")[1].strip() for line in done.out.splitlines() if line.startswith("│"))
    assert first_column == oddly_named.name
    assert f"runs/{oddly_named.name}" in msde("analyze", "confusion", "--out", "confusion").err


def test_brackets_in_the_name_of_a_run_that_is_shown(msde, finished, tmp_path):
    copy = tmp_path / "[bold]run[x]"
    shutil.copytree(finished[0], copy, ignore=shutil.ignore_patterns("analyses"))
    done = msde("run", "--resume", copy)
    assert done.code == 0, done.err
    assert f"Resuming {copy.name}: scan + cl on synthetic" in done.err
    assert done.out.rstrip().endswith(str(copy))


def test_a_terminal_without_the_letters(oddly_named, tmp_path):
    for words in (["runs"], ["runs", "--json"]):
        process = spawn(tmp_path, *words, PYTHONIOENCODING="ascii")
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        assert out.isascii()
    assert json.loads(out)[0]["run"] == oddly_named.name


def test_a_reader_that_goes_away(tmp_path):
    process = spawn(tmp_path, "list")
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == ""
    process.stderr.close()
