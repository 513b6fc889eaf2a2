import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msde_datasets.pixel_table import PIXELS, _fast, _slow, parse_pixels

seeds = st.integers(0, 2**32 - 1)


def cell(seed, top=256):
    return np.random.default_rng(seed).integers(0, top, PIXELS)


def text_of(values):
    return " ".join(map(str, values)).encode()


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from([1, 10, 100, 256]))
def test_numbers_come_back(seed, top):
    values = cell(seed, top)
    assert np.array_equal(parse_pixels(text_of(values)), values)


@settings(max_examples=150, deadline=None)
@given(seeds, st.integers(0, PIXELS - 1), st.binary(min_size=1, max_size=5))
def test_the_fast_and_the_slow_look_agree_on_anything(seed, place, mutation):
    words = text_of(cell(seed)).split()
    words[place] = mutation
    text = b" ".join(words).strip(b' "\t\r\n')
    try:
        expected = _slow(text)
    except ValueError:
        assert _fast(text) is None
        with pytest.raises(ValueError, match="pixel"):
            parse_pixels(text)
        return
    assert np.array_equal(parse_pixels(text), expected)
