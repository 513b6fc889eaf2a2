"""The installed ``msde`` as its user types it: in a process of its own where that matters, else by its entry point."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import SCAN_CL, Outcome, call
from environment import EXAMPLES, PACKAGES, Environment

from msde_toolkit.cli.app import main


@pytest.fixture
def msde(capsys, monkeypatch, tmp_path):
    """``msde("run", ...)`` in this process, in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def call(*words: object) -> Outcome:
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        return Outcome(int(end.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """A tiny finished run (scan + cl) and what it printed with ``--json``. Tests only read it."""
    folder = tmp_path_factory.mktemp("finished")
    done = call(folder, *SCAN_CL, "--out", "run", "--precision", "fp32", "--json")
    assert done.code == 0, done.err
    return folder / "run", done


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Where the packages of ``examples`` are installed as a stranger's."""
    made = Environment(tmp_path_factory.mktemp("strangers"))
    made.install(*(EXAMPLES / package for package in PACKAGES))
    return made
