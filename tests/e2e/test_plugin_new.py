"""``msde plugin new`` of every kind: it installs, is listed, passes the kit and its own tests, and is clean."""

import json
import os
import subprocess
import sys

import pytest

from msde_toolkit.scaffold import new_plugin

KINDS = {
    "model": "models",
    "loss": "losses",
    "analysis": "analyses",
    "dataset": "datasets",
    "masker": "maskers",
    "landmarker": "landmarkers",
    "listener": None,
}
NAMES = {kind: f"brand-new-{kind}" if kind == "model" else f"new{kind}" for kind in KINDS}

UNREAD = [f"torch.{part}.*" for part in ("_dynamo", "_inductor", "_functorch", "_decomp", "_export", "_refs", "fx")]
UNREAD += [f"torch.{part}.*" for part in ("_higher_order_ops", "_subclasses", "ao", "distributed", "export", "onnx")]
"""What no plugin uses of torch: most of it, and most of mypy's time."""


class Workshop:
    """New packages of every kind, installed into one folder on the import path."""

    def __init__(self, folder):
        self.folder = folder
        self.site = folder / "site"
        for kind, name in NAMES.items():
            new_plugin(kind, name, folder / kind)
        packages = [folder / kind for kind in NAMES]
        options = ("--no-index", "--no-build-isolation", "--no-deps", "--target", self.site)
        self("-m", "pip", "install", "-q", *options, *packages)

    def __call__(self, *words, where=None):
        paths = os.pathsep.join([str(self.site), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
        ours = {key: value for key, value in os.environ.items() if not key.startswith(("MSDE_PLUGINS", "PYTEST_"))}
        done = subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=where or self.folder,
            env=ours | {"PYTHONPATH": paths, "COLUMNS": "150"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.fixture
def installed(workshop, msde, monkeypatch):
    """``msde`` in this process, which sees them."""
    monkeypatch.delenv("MSDE_PLUGINS", raising=False)
    monkeypatch.syspath_prepend(str(workshop.site))
    return msde


def test_they_are_listed(installed):
    listed = json.loads(installed("list", "--json").out)
    for kind, plural in KINDS.items():
        if plural is not None:
            assert f"msde-{NAMES[kind]}" in {entry["distribution"] for entry in listed[plural]}
    works = {row["name"]: row["works"] for row in json.loads(installed("plugin", "list", "--json").out)}
    assert all(works[name] for name in NAMES.values())


def test_the_command_passes_one(installed):
    """The others are passed by their own tests."""
    report = json.loads(installed("plugin", "check", NAMES["model"], "--json").out)
    assert (report["kind"], report["distribution"]) == ("model", "msde-brand-new-model")
    assert report["passed"]


def test_their_own_tests_pass(workshop):
    """Among them the kit, for every kind."""
    tests = [workshop.folder / kind / "tests" for kind in KINDS]
    told = workshop("-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", ".", *tests)
    assert "16 passed" in told


def test_they_are_clean(workshop):
    for kind in KINDS:
        workshop("-m", "ruff", "check", "--no-cache", ".", where=workshop.folder / kind)
        workshop("-m", "ruff", "format", "--no-cache", "--check", ".", where=workshop.folder / kind)


def test_their_types_are_strict(workshop):
    """With the settings of the generated pyproject, of which all kinds share these."""
    sources = [workshop.folder / kind / "src" for kind in KINDS]
    packages = [word for kind in KINDS for word in ("-p", f"msde_{NAMES[kind].replace('-', '_')}")]
    settings = workshop.folder / "mypy.ini"
    settings.write_text(
        f"[mypy]\nstrict = True\nmypy_path = {os.pathsep.join(map(str, sources))}\n"
        "[mypy-matplotlib.*]\nignore_missing_imports = True\n"
        f"[mypy-{','.join(UNREAD)}]\nfollow_imports = skip\n"
    )
    workshop("-m", "mypy", "--config-file", settings, "--cache-dir", workshop.folder / "types", *packages)


def test_what_comes_next_is_said(msde):
    told = msde("plugin", "new", "loss", "later", "--out", "later").out
    assert "pip install -e ." in told
    assert "msde plugin check later --kind loss" in told
    report = json.loads(msde("plugin", "new", "loss", "later", "--out", "again", "--json").out)
    assert "src/msde_later/loss.py" in report["files"]
