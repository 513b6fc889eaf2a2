"""The image cache when things go wrong around it: full disks, crashes of the machine, another process at work."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from msde_toolkit.data.image_cache import load_images
from msde_toolkit.errors import MsdeError
from msde_toolkit.interfaces import Dataset
from msde_toolkit.randomness import generator
from msde_toolkit.types import Manifest

resource = pytest.importorskip("resource")


class Noise(Dataset):
    """Images made of their ids."""

    def read(self, rows):
        return [generator("noise", sample).integers(0, 256, (16, 16, 3)).astype(np.uint8) for sample in rows.ids]


def manifest(n=100):
    return Manifest.from_frame(pd.DataFrame({"id": [f"i{row}" for row in range(n)], "label": [0] * n}), "noise")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MSDE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "images"


def test_a_full_disk_is_said_and_leaves_nothing(cache):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))  # of the 76,800 bytes of pixels
    try:
        with pytest.raises(
            MsdeError, match=r"image cache .*images cannot be written \(File too large\); set MSDE_CACHE"
        ):
            load_images(Noise(), manifest(), 16)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(cache.iterdir()) == []
    assert load_images(Noise(), manifest(), 16).pixels.shape == (100, 16, 16, 3)


@pytest.mark.parametrize("suffix", ["npy", "json"])
@pytest.mark.parametrize("keep", [0, 5, 0.5, 0.99])
def test_a_file_that_a_crash_cut_off_is_made_again(cache, suffix, keep):
    whole = load_images(Noise(), manifest(), 16)
    expected, sha = np.array(whole.pixels), whole.sha256
    (file,) = cache.glob(f"*.{suffix}")
    content = file.read_bytes()
    file.unlink()  # not cut in place: the array may be mapped
    file.write_bytes(content[: keep if isinstance(keep, int) else int(keep * len(content))])
    again = load_images(Noise(), manifest(), 16)
    assert again.sha256 == sha
    assert (again.pixels == expected).all()


def test_a_file_of_another_shape_is_made_again(cache):
    whole = load_images(Noise(), manifest(), 16)
    (file,) = cache.glob("*.npy")
    file.unlink()
    np.save(file, np.zeros((100, 16, 16), dtype=np.uint8))
    assert load_images(Noise(), manifest(), 16).sha256 == whole.sha256
    assert load_images(Noise(), manifest(), 16).pixels.shape == (100, 16, 16, 3)


def _load(folder, barrier, results):
    import os

    os.environ["MSDE_CACHE"] = folder
    barrier.wait(60)
    images = load_images(Noise(), manifest(), 16)
    results.put((images.sha256, int(images.pixels.sum())))


def test_two_processes_at_once_give_the_same_images(cache):
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(2), context.Queue()
    workers = [context.Process(target=_load, args=(str(cache.parent), barrier, results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    one, other = results.get(timeout=60), results.get(timeout=60)
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    ours = load_images(Noise(), manifest(), 16)
    assert one == other == (ours.sha256, int(ours.pixels.sum()))
    assert sorted(Path(name).suffix for name in cache.iterdir()) == [".json", ".npy"]


def test_pixels_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        load_images(Noise(), manifest(), 16).pixels[0] = 0
