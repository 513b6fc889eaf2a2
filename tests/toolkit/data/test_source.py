"""A dataset opened by name: real plugins through the registry, with and without a mask."""

from pathlib import Path

import numpy as np
import pytest

from msde_toolkit.data.source import open_source
from msde_toolkit.errors import DataError, InputError, PluginError

SMALL = {"subjects": "3", "size": "64"}


def test_options_are_parsed_and_told_back_in_full():
    source = open_source("synthetic", None, SMALL)
    defaults = {"seed": 0, "pairing": "reshot", "domain": "studio", "subset": "verified"}
    assert source.options == {**defaults, "subjects": 3, "size": 64}
    assert source.mask_options == {}
    assert set(source.manifest.frame["subject"]) == {"s001", "s002", "s003"}
    few = source.manifest.take([0, 1])
    assert [image.shape for image in source.dataset.read(few)] == [(64, 64, 3)] * 2


@pytest.fixture
def table(tmp_path):
    """A FER2013 table of two grey faces."""
    file = tmp_path / "fer2013.csv"
    values = np.random.default_rng(0).integers(60, 200, (2, 48 * 48))
    lines = [f"{row},{' '.join(map(str, pixels))},Training" for row, pixels in enumerate(values.tolist())]
    file.write_text("\n".join(["emotion,pixels,Usage", *lines]) + "\n")
    return file


def test_a_mask_makes_pairs(table):
    plain = open_source("fer2013", table, {})
    assert set(plain.manifest.conditions) == {"nm"}
    masked = open_source("fer2013", table, {}, mask="surgical", mask_options={"jitter": "0"}, seed=3)
    assert masked.mask_options["jitter"] == 0
    assert masked.options == plain.options
    assert len(masked.manifest) == 2 * len(plain.manifest)
    pairs = masked.manifest.pairs()
    assert len(pairs) == len(plain.manifest)
    bare, worn = masked.dataset.read(masked.manifest.take(pairs.loc[0, ["nm", "m"]].to_numpy()))
    assert np.array_equal(bare, plain.dataset.read(plain.manifest.take([0]))[0])
    assert not np.array_equal(bare, worn)


@pytest.mark.parametrize(
    ("name", "options", "more", "message"),
    [
        ("synthetic", {"subject": 3}, {}, r"data\.subject: unknown option\. Did you mean data\.subjects"),
        ("synthetic", {"size": 3}, {}, r"data\.size"),
        ("synthetic", {}, {"mask_options": {"jitter": 0}}, "name one with --mask"),
        ("fer2013", {}, {"mask": "surgical", "mask_options": {"jiter": 0}}, r"mask\.jiter: unknown.*mask\.jitter"),
        ("fer2013", {}, {}, "needs --root"),
        ("synthetic", {}, {"root": Path("/")}, "leave out --root"),
    ],
)
def test_what_is_wrong_is_named(name, options, more, message):
    with pytest.raises(InputError, match=message):
        open_source(name, options=options, **{"root": None, **more})


@pytest.mark.parametrize("more", [{}, {"mask": "surgicall"}])
def test_an_unknown_name_is_a_plugin_error(more):
    with pytest.raises(PluginError, match="surgicall" if more else "sinthetic"):
        open_source("fer2013" if more else "sinthetic", None, {}, **more)


def test_a_set_without_samples_is_an_error(tmp_path):
    (tmp_path / "empty.csv").write_text("emotion,pixels,Usage\n")
    with pytest.raises(DataError, match=r"empty\.csv"):
        open_source("fer2013", tmp_path / "empty.csv", {})
