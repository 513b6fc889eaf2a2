"""The search for near hashes finds what comparing all of them finds."""

import numpy as np
import pytest

from msde_toolkit.data.audit.perceptual_hash import MOST_OF_ONE_KEY, NEAR, near_pairs, perceptual_hash


def compared(hashes):
    return {
        (left, right)
        for left in range(len(hashes))
        for right in range(left + 1, len(hashes))
        if int(hashes[left] ^ hashes[right]).bit_count() <= NEAR
    }


@pytest.mark.parametrize("seed", range(5))
def test_exactly_the_near_pairs(seed):
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, 120, dtype=np.uint64)
    for twin in range(60, 120):
        bits = rng.choice(64, rng.integers(0, 7), replace=False)
        hashes[twin] = hashes[twin - 60] ^ np.uint64(sum(1 << int(bit) for bit in bits))
    expected = compared(hashes)
    assert 20 < len(expected) < 60
    found = near_pairs(hashes)
    assert {tuple(pair) for pair in found.tolist()} == expected
    assert len(found) == len(expected)


def test_wherever_the_bits_differ():
    for first in range(64):
        hashes = np.array([0, 1 << first | 1 << (first * 7 + 3) % 64 | 1 << (first * 29 + 11) % 64], dtype=np.uint64)
        assert near_pairs(hashes).tolist() == [[0, 1]]


def test_four_bits_apart_is_not_near():
    assert near_pairs(np.array([0, 0b1111, 2**63 | 0b11], dtype=np.uint64)).tolist() == [[0, 2], [1, 2]]


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_to_compare(count):
    assert near_pairs(np.zeros(count, dtype=np.uint64)).shape == (0, 2)


def test_very_many_of_one_hash_are_each_found_without_all_their_pairs():
    count = MOST_OF_ONE_KEY + 40
    pairs = near_pairs(np.full(count, 77, dtype=np.uint64))
    assert set(pairs.ravel().tolist()) == set(range(count))
    assert len(pairs) < count * (count - 1) // 2


def test_the_hash_is_of_the_pattern_not_of_its_brightness():
    image = np.random.default_rng(3).integers(40, 200, (40, 30, 3), dtype=np.uint8)
    assert perceptual_hash(image) == perceptual_hash(image)
    assert 0 <= perceptual_hash(image) < 2**64
    assert int(perceptual_hash(image) ^ perceptual_hash(image + np.uint8(20))).bit_count() <= NEAR
    assert int(perceptual_hash(image) ^ perceptual_hash(image[::-1])).bit_count() > 16
    assert perceptual_hash(image).bit_count() == 32
