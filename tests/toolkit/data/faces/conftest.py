"""The landmarker that finds beads, installed for one file's tests."""

import pytest
from bead_photos import bead_plugins

from msde_toolkit.data.faces import Finder, cut_faces
from msde_toolkit.data.source import open_source


@pytest.fixture(scope="module")
def beads(tmp_path_factory):
    """The module of the test landmarker."""
    with bead_plugins(tmp_path_factory.mktemp("beads")) as module:
        yield module


@pytest.fixture
def cut_beads(beads, tmp_path):
    """``cut_beads(photos, **more)``: the command's work on a folder of photos, into ``tmp_path / "out"``."""

    def cut(photos, *, options=None, on_bad="skip", **more):
        source = open_source("table", photos, {"on_bad": on_bad})
        out = more.pop("out", tmp_path / "out")
        finder = Finder.create("beads", options or {})
        return cut_faces(source.dataset, source.manifest, finder, out, skip_unreadable=on_bad == "skip", **more)

    return cut
