"""The image cache: decoded once, named by what decides the pixels, private, whole or not at all."""

import hashlib
import os
import stat
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from msde_toolkit.data import image_cache
from msde_toolkit.data.image_cache import CHUNK, load_images, purge, squash
from msde_toolkit.errors import DataError, MsdeError
from msde_toolkit.files import cache_directory
from msde_toolkit.interfaces import Dataset
from msde_toolkit.types import Manifest


class Patterns(Dataset):
    """Images made of their ids; counts how many were asked for, and in which processes, in a file."""

    root_hint: ClassVar[str] = ""

    def read(self, rows):
        if rows.root is not None:
            with (rows.root.parent / "reads").open("a") as log:
                log.writelines(f"{os.getpid()} {sample}\n" for sample in rows.ids)
        return [pattern(sample) for sample in rows.ids]


class Newer(Patterns):
    version: ClassVar[str] = "2"


class Breaks(Patterns):
    """Its 70th image is a grey one, in the second chunk."""

    def read(self, rows):
        return [
            image[..., 0] if sample == "i069" else image
            for sample, image in zip(rows.ids, super().read(rows), strict=True)
        ]


class Forgets(Patterns):
    def read(self, rows):
        return super().read(rows)[:-1]


def pattern(sample, height=9, width=7):
    seed = int.from_bytes(hashlib.sha256(sample.encode()).digest()[:4], "little")
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def samples(root, n=5, **columns):
    frame = pd.DataFrame({"id": [f"i{row:03d}" for row in range(n)], "label": [0] * n, **columns})
    return Manifest.from_frame(frame, "patterns", root=root)


def reads(root):
    log = root.parent / "reads"
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("MSDE_CACHE", str(folder))
    return folder


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def test_pixels_are_those_of_the_dataset_in_its_order(cache, root):
    done = []
    found = load_images(Patterns(), samples(root, 150), 9, lambda *progress: done.append(progress))
    assert found.pixels.dtype == np.uint8
    assert found.pixels.shape == (150, 9, 9, 3)
    for row in (0, CHUNK - 1, CHUNK, 149):
        assert np.array_equal(found.pixels[row], squash(pattern(f"i{row:03d}"), 9, "any"))
    assert found.sha256 == hashlib.sha256(found.pixels.tobytes()).hexdigest()
    assert done == [(64, 150), (128, 150), (150, 150)]
    with pytest.raises(ValueError, match="read-only"):
        found.pixels[0] = 0


def test_a_second_time_nothing_is_decoded(cache, root):
    first = load_images(Patterns(), samples(root), 8)
    again = load_images(Patterns(), samples(root), 8)
    assert len(reads(root)) == 5
    assert np.array_equal(first.pixels, again.pixels)
    assert first.sha256 == again.sha256


def test_what_changes_the_pixels_changes_the_name(cache, root):
    load_images(Patterns(), samples(root), 8)
    load_images(Patterns(), samples(root), 9)  # size
    load_images(Patterns(), samples(root, 6), 8)  # samples
    load_images(Patterns(), samples(root, box=[[0, 0, 4, 4]] * 5), 8)  # what is known of them
    load_images(Newer(), samples(root), 8)  # another reader
    newer = type("Patterns", (Patterns,), {"version": "3"})
    load_images(newer(), samples(root), 8)  # the same reader, improved
    assert len(reads(root)) == 5 + 5 + 6 + 5 + 5 + 5
    assert len(list((cache / "images").glob("*.npy"))) == 6


def test_an_image_file_that_changed_is_decoded_again(cache, root):
    def save(grey):
        Pillow.fromarray(np.full((4, 4, 3), grey, dtype=np.uint8)).save(root / "face.png")

    manifest = Manifest.from_frame(pd.DataFrame({"id": ["a"], "label": [0], "path": ["face.png"]}), "files", root=root)
    save(10)
    assert np.unique(load_images(Dataset(), manifest, 4).pixels).tolist() == [10]
    save(200)
    os.utime(root / "face.png", ns=(1, 1))  # a clock too coarse must not hide it from this test
    assert np.unique(load_images(Dataset(), manifest, 4).pixels).tolist() == [200]


def test_two_datasets_of_one_class_name_do_not_share_images(cache):
    # Two distributions may both call their class Faces, and a drawn set has no files that would tell them apart.
    def dataset(module, grey):
        def read(self, rows):
            return [np.full((4, 4, 3), grey, dtype=np.uint8) for _ in rows.ids]

        return type("Faces", (Dataset,), {"read": read, "__module__": module, "__qualname__": "Faces"})()

    manifest = samples(None)
    assert np.unique(load_images(dataset("one", 10), manifest, 4).pixels).tolist() == [10]
    assert np.unique(load_images(dataset("other", 200), manifest, 4).pixels).tolist() == [200]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_nobody_else_can_read_it(cache, root):
    before = os.umask(0)
    try:
        load_images(Patterns(), samples(root), 8)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [cache, *cache.rglob("*")]}
    assert modes.pop("cache") == 0o700
    assert modes.pop("images") == 0o700
    assert len(modes) == 2
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (Breaks, r"sample i069: expected uint8 \[H, W, 3\], the dataset gave uint8 \[9, 7\]"),
        (Forgets, "patterns: the dataset returned 63 images for 64 samples"),
    ],
)
def test_an_error_names_the_sample_and_leaves_nothing(cache, root, dataset, message):
    with pytest.raises(DataError, match=message):
        load_images(dataset(), samples(root, 90), 8)
    assert list((cache / "images").iterdir()) == []
    assert load_images(Patterns(), samples(root, 90), 8).pixels.shape[0] == 90


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + b"\0" * 20])
def test_a_file_that_is_no_image_is_named(cache, root, content):
    (root / "face.png").write_bytes(content)
    manifest = Manifest.from_frame(pd.DataFrame({"id": ["a"], "label": [0], "path": ["face.png"]}), "files", root=root)
    with pytest.raises(DataError, match=r"face\.png: cannot be decoded"):
        load_images(Dataset(), manifest, 8)
    assert list((cache / "images").iterdir()) == []


def test_a_run_that_was_killed_while_writing_is_no_obstacle(cache, root):
    first = load_images(Patterns(), samples(root), 8)
    for facts in (cache / "images").glob("*.json"):
        facts.unlink()  # killed after the pixels were in place, before the facts were
    again = load_images(Patterns(), samples(root), 8)
    assert len(reads(root)) == 10
    assert again.sha256 == first.sha256


def test_worker_processes_give_the_same_pixels(cache, root, monkeypatch):
    manifest = samples(root, 3 * CHUNK + 5)
    serial = load_images(Patterns(), manifest, 8)
    assert {process for process, _ in reads(root)} == {str(os.getpid())}
    purge()
    (root.parent / "reads").unlink()
    monkeypatch.setattr(image_cache, "PARALLEL_FROM_SECONDS", 0)
    parallel = load_images(Patterns(), manifest, 8)
    assert sorted(sample for _, sample in reads(root)) == list(manifest.ids)
    if len(os.sched_getaffinity(0)) > 1:
        assert len({process for process, _ in reads(root)}) > 1
    assert np.array_equal(parallel.pixels, serial.pixels)
    assert parallel.sha256 == serial.sha256
    with pytest.raises(DataError, match="sample i069: expected uint8"):
        load_images(Breaks(), manifest, 8)
    assert len(list((cache / "images").iterdir())) == 2


def test_purge_empties_it_and_says_how_much_that_was(cache, root):
    load_images(Patterns(), samples(root), 8)
    load_images(Patterns(), samples(root), 16)
    size = sum(file.stat().st_size for file in (cache / "images").iterdir())
    assert purge() == (4, size)
    assert list((cache / "images").iterdir()) == []
    assert purge() == (0, 0)
    load_images(Patterns(), samples(root), 8)
    assert len(reads(root)) == 15


def test_a_cache_that_cannot_be_made_says_what_to_set(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MSDE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(MsdeError, match="MSDE_CACHE"):
        cache_directory()


def test_squash_keeps_the_whole_image():
    image = np.zeros((40, 20, 3), dtype=np.uint8)
    image[:20] = 250
    small = squash(image, 10, "a")
    assert small.shape == (10, 10, 3)
    assert (small[:4] > 240).all()
    assert (small[6:] < 10).all()
    assert np.array_equal(squash(image[:20], 20, "a"), image[:20])


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4), np.uint8)],
)
def test_squash_refuses_what_is_no_rgb_image(image):
    with pytest.raises(DataError, match=r"sample face-7: expected uint8 \[H, W, 3\]"):
        squash(image, 4, "face-7")
