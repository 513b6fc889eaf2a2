"""Each photo is looked at once: what was found is remembered until photo, hint or landmarker change."""

import json
from dataclasses import replace

import numpy as np
import pytest
from bead_photos import draw, write_photos
from PIL import Image as Pillow

from msde_toolkit.data.faces.search import Finder, Search
from msde_toolkit.data.image_cache import purge
from msde_toolkit.data.source import open_source
from msde_toolkit.errors import InputError, PluginError
from msde_toolkit.files import cache_directory
from msde_toolkit.interfaces import Hint

LEFT, RIGHT = ((50, 40), (75, 40)), ((125, 100), (150, 105))


@pytest.fixture
def photos(tmp_path):
    return write_photos(tmp_path / "photos", {"one": draw(LEFT), "two": draw(LEFT, RIGHT), "none": draw()})


@pytest.fixture
def searched(beads):
    """``searched(folder)``: outcomes, and how many photos the landmarker was shown."""
    purge()

    def search(folder, hints=None, options=None, change=None):
        source = open_source("table", folder, {})
        manifest = source.manifest if change is None else change(source.manifest)
        before = len(beads.SEEN)
        outcomes = Search(source.dataset, Finder.create("beads", options), hints or {}).run(manifest)
        return outcomes, len(beads.SEEN) - before

    return search


def test_faces_are_found_and_remembered(searched, photos):
    first, looks = searched(photos)
    assert looks == 3
    assert {sample: len(outcome.faces) for sample, outcome in first.items()} == {"one": 1, "two": 2, "none": 0}
    np.testing.assert_allclose(first["two"].faces[1].eyes, RIGHT, atol=0.5)
    assert first["one"].size == (200, 150)
    again, looks = searched(photos)
    assert looks == 0
    for sample, outcome in first.items():
        assert (again[sample].size, again[sample].photo) == (outcome.size, outcome.photo)
        for now, before in zip(again[sample].faces, outcome.faces, strict=True):
            assert np.array_equal(now.eyes, before.eyes)
            assert (now.box, now.score) == (before.box, before.score)
            assert (now.landmarks is None) == (before.landmarks is None)


def test_only_what_changed_is_looked_at_again(searched, photos):
    searched(photos)
    Pillow.fromarray(draw(RIGHT)).save(photos / "photo2.png")
    outcomes, looks = searched(photos)
    assert (looks, len(outcomes["none"].faces)) == (1, 1)
    outcomes, looks = searched(photos, {"two": Hint(box=(100.0, 75.0, 75.0, 50.0))})
    assert (looks, len(outcomes["two"].faces)) == (1, 1)
    assert searched(photos, options={"most": 1})[1] == 3
    assert searched(photos)[1] == 0


def test_the_manifests_box_is_a_hint(searched, photos, beads):
    def boxed(manifest):
        return replace(manifest, frame=manifest.frame.assign(box=[None, [100.0, 75.0, 75.0, 50.0], None]))

    outcomes, _ = searched(photos, change=boxed)
    np.testing.assert_allclose(outcomes["two"].faces[0].eyes, RIGHT, atol=0.5)


@pytest.mark.parametrize("end", [b'{"key": "half', b"\xff\xfe\x00", b'{"key": 1}\n[]\n3\n'])
def test_a_line_that_a_kill_cut_off_is_left_alone(searched, photos, end):
    searched(photos)
    (journal,) = cache_directory("faces").glob("*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if line.strip()]
    journal.write_bytes(kept[0] + end)
    assert searched(photos)[1] == 2
    assert searched(photos)[1] == 0


def test_the_cache_says_whose_faces_they_are_and_is_emptied(searched, photos):
    searched(photos)
    (facts,) = cache_directory("faces").glob("*.json")
    assert json.loads(facts.read_text()) == {"dataset": "photos"}
    assert {file.stat().st_mode & 0o777 for file in cache_directory("faces").iterdir()} == {0o600}
    assert purge()[0] == 2
    assert searched(photos)[1] == 3


def test_a_photo_that_cannot_be_read_is_tried_again(searched, photos):
    (photos / "photo1.png").write_bytes(b"no image")
    outcomes, looks = searched(photos)
    assert (outcomes["two"].unreadable, outcomes["two"].size, looks) == (True, (0, 0), 2)
    assert "photo1.png" in outcomes["two"].reason
    Pillow.fromarray(draw(LEFT)).save(photos / "photo1.png")
    outcomes, looks = searched(photos)
    assert (len(outcomes["two"].faces), looks) == (1, 1)


def test_faces_whose_eyes_lie_outside_the_photo_are_none(searched, tmp_path, beads, monkeypatch):
    from msde_toolkit.interfaces import Face

    found = [Face(np.array([[-90.0, 5.0], [-60.0, 5.0]])), Face(np.array([[-10.0, 5.0], [20.0, 5.0]]))]
    monkeypatch.setattr(beads.Beads, "find", lambda self, image, hint: found)
    outcomes, _ = searched(write_photos(tmp_path / "edge", {"a": draw()}))
    assert [face.eyes[0, 0] for face in outcomes["a"].faces] == [-10.0]


def test_a_landmarker_that_breaks_its_contract(searched, photos):
    with pytest.raises(PluginError, match=r"two eyes .* that are not the same.* of sample one"):
        searched(photos, options={"spoilt": "eyes"})
    with pytest.raises(InputError, match="the model is missing"):
        searched(photos, options={"spoilt": "model"})


def test_a_hint_of_another_length_names_the_sample(searched, photos):
    def boxed(manifest):
        return replace(manifest, frame=manifest.frame.assign(box=[None, [1.0, 2.0], None]))

    with pytest.raises(InputError, match="sample two: box has 2 numbers, expected 4"):
        searched(photos, change=boxed)


def test_a_finder_says_what_it_is(beads):
    assert str(Finder.create("beads")) == "beads 7"
    assert str(Finder.create("beads", {"most": "1"})) == "beads 7 (most=1)"
    told = Finder.create("beads", {"most": 1}).as_dict()
    assert (told["distribution"], told["method"], told["options"]["most"]) == ("msde-beads", "7", 1)
    with pytest.raises(InputError, match=r"faces.more: unknown option. Did you mean faces.most"):
        Finder.create("beads", {"more": 2})
    with pytest.raises(InputError, match=r"Unknown landmarker 'bead'. Did you mean beads"):
        Finder.create("bead")
