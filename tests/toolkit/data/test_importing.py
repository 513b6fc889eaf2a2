"""A dataset as a manifest: what is written, what a second time costs and says, what is never overwritten."""

import os
import shlex
from dataclasses import replace

import numpy as np
import pytest
from installed import install
from PIL import Image as Pillow

from msde_toolkit import load_manifest
from msde_toolkit.create import create_dataset, parse_options
from msde_toolkit.data.image_cache import read_all
from msde_toolkit.data.importing import Change, import_dataset
from msde_toolkit.data.source import open_source
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.files import cache_directory

pytestmark = pytest.mark.usefixtures("tiny")


def photo(folder, name, value=0):
    image = np.random.default_rng(value).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    Pillow.fromarray(image).save(folder / f"{name}.png")


@pytest.fixture
def photos(tmp_path):
    """Four subjects with seven photos each."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for place in range(28):
        photo(folder, f"s{place // 7}-{place % 7}", place)
    return folder


def test_the_manifest_is_the_set_and_a_table_reads_the_same_images(photos, tmp_path):
    done = import_dataset("photos", photos, tmp_path / "new" / "own.parquet")
    assert (done.status, done.change, done.decoded) == ("written", Change(), 28)
    source = open_source("photos", photos, {})
    stored = load_manifest(done.file, photos)
    assert stored.content_hash() == source.manifest.content_hash() == done.manifest.content_hash()
    table = create_dataset("table")
    rows = table.load(done.file, parse_options(type(table), {"images": str(photos)}, "data"))
    assert (rows.name, rows.ids, rows.classes) == ("photos", stored.ids, stored.classes)
    own = read_all(source.dataset, source.manifest)
    assert all(np.array_equal(one, other) for one, other in zip(own, read_all(table, rows), strict=True))


def test_the_second_time_nothing_is_decoded_and_the_file_is_left_alone(photos, tmp_path):
    file = import_dataset("photos", photos, tmp_path / "own.parquet").file
    os.utime(file, ns=(1, 1))
    again = import_dataset("photos", photos, file)
    assert (again.status, again.change, again.decoded) == ("unchanged", Change(), 0)
    assert file.stat().st_mtime_ns == 1


def test_what_changed_is_counted(photos, tmp_path):
    file = import_dataset("photos", photos, tmp_path / "own.parquet").file
    (photos / "s0-1.png").unlink()
    for name in ("s4-0", "s4-1"):
        photo(photos, name)
    stored = load_manifest(file, photos)
    frame = stored.frame.copy()
    frame.loc[frame["id"].isin(["s1-0", "s1-1", "s1-2"]), "label"] = 6
    frame.loc[frame["id"].isin(["s1-2", "s2-2"]), "camera"] = "mine"
    replace(stored, frame=frame).save(file)
    again = import_dataset("photos", photos, file)
    assert again.status == "updated"
    assert again.change == Change(added=2, removed=1, relabelled=3, changed=1)
    assert load_manifest(file).content_hash() == again.manifest.content_hash()
    assert import_dataset("photos", photos, file).status == "unchanged"


def test_only_files_that_are_new_or_changed_are_decoded(photos, tmp_path, monkeypatch):
    monkeypatch.setenv("MSDE_CACHE", str(tmp_path / "cache"))
    (photos / "s0-3.png").write_bytes(b"no image")
    file = import_dataset("photos", photos, tmp_path / "own.parquet").file
    photo(photos, "s4-0", 50)
    again = import_dataset("photos", photos, file)
    assert (again.change, again.decoded) == (Change(added=1), 2)
    (photos / "s4-0.png").write_bytes(b"damaged now")
    assert import_dataset("photos", photos, file).decoded == 2
    assert {lost.sample for lost in load_manifest(file).left_out} == {"s0-3", "s4-0"}
    photo(photos, "s0-3", 51)
    (photos / "s4-0.png").unlink()
    mended = import_dataset("photos", photos, file)
    assert (mended.change, mended.decoded) == (Change(added=1), 1)
    [memory] = cache_directory("images").glob("*.decoded.json")
    assert memory.stat().st_mode & 0o777 == 0o600
    assert "s0-" not in memory.read_text()
    memory.write_text('{"decoded": ["x"]}')
    photo(photos, "s4-1")
    assert import_dataset("photos", photos, file).decoded == 29


def test_images_that_cannot_be_decoded_are_recorded(photos, tmp_path):
    (photos / "s0-3.png").write_bytes(b"no image")
    done = import_dataset("photos", photos, tmp_path / "own.parquet")
    [lost] = load_manifest(done.file).left_out
    assert (lost.sample, lost.check, lost.label, lost.subject) == ("s0-3", "unreadable", 3, "s0")
    assert "s0-3.png" in lost.reason
    assert len(done.manifest) == 27
    assert import_dataset("photos", photos, done.file).decoded == 0
    photo(photos, "s0-3")
    mended = import_dataset("photos", photos, done.file)
    assert (mended.status, mended.change) == ("updated", Change(added=1))
    assert mended.manifest.left_out == ()


def test_or_stop_the_import_before_anything_is_written(photos, tmp_path):
    (photos / "s0-3.png").write_bytes(b"no image")
    (photos / "s0-4.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"s0-3.png.*1 more"):
        import_dataset("photos", photos, tmp_path / "own.parquet", on_bad="error")
    assert not (tmp_path / "own.parquet").exists()


def test_what_is_not_its_own_manifest_is_never_overwritten(photos, tmp_path):
    file = tmp_path / "own.parquet"
    for content, said in ((b"my notes", "no manifest"), (b"", "no manifest")):
        file.write_bytes(content)
        with pytest.raises(InputError, match=said):
            import_dataset("photos", photos, file)
        assert file.read_bytes() == content
    replace(open_source("photos", photos, {}).manifest, name="others").save(file)
    before = file.read_bytes()
    with pytest.raises(InputError, match="of others, not of photos"):
        import_dataset("photos", photos, file)
    for root in (file, tmp_path):
        with pytest.raises(InputError, match="the table that is read"):
            import_dataset("table", root, file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["own.csv", "own", "parquet"])
def test_another_ending_is_refused_before_any_work(tmp_path, name):
    with pytest.raises(InputError, match=r"must end in \.parquet"):
        import_dataset("photos", tmp_path / "nowhere", tmp_path / name)


def test_a_drawn_set_needs_no_import(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="dots is drawn, not read from files, and needs no import"):
        import_dataset("dots", None)
    assert not list(tmp_path.iterdir())


CUT = """
    from msde_toolkit.interfaces import Dataset, DatasetOptions, decode
    from msde_toolkit.types import Manifest
    import pandas as pd

    class Cut(Dataset):
        Options = DatasetOptions

        def load(self, root, options):
            rows = [{"id": name, "path": "s0-0.png", "label": 0} for name in ("left", "right")]
            return Manifest.from_frame(pd.DataFrame(rows), "cut", root=self.require_root(root))

        def read(self, rows):
            image = decode(rows.root, "s0-0.png")
            return [image[:, :10] if name == "left" else image[:, 10:] for name in rows.ids]
"""


def test_a_reader_that_makes_more_of_its_files_is_refused(photos, tmp_path, site_packages):
    install(site_packages, "msde-cut", "1", {"msde.datasets": {"cut": "cut_faces:Cut"}}, cut_faces=CUT)
    with pytest.raises(InputError, match="cut out of photos; sample left") as told:
        import_dataset("cut", photos, tmp_path / "cut.parquet")
    assert f"msde run --data cut --root {photos}" in str(told.value)
    assert not (tmp_path / "cut.parquet").exists()


def test_the_commands_that_come_next(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = import_dataset("photos", photos)
    assert str(done.file) == "photos.parquet"
    assert shlex.split(done.training)[-6:] == [
        *("--data", "table", "--root", "photos.parquet"),
        *("--set", f"data.images={photos}"),
    ]
    assert shlex.split(done.auditing) == ["msde", "data", "audit", "photos.parquet", "--root", str(photos)]
    beside = import_dataset("photos", photos, photos / "own set.parquet")
    assert shlex.split(beside.training)[-2:] == ["--root", str(photos / "own set.parquet")]
