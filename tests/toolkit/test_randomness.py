"""Randomness by name: the same words, the same numbers, on every machine and after whatever ran before."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from msde_toolkit.randomness import digest, generator, torch_seed, uniform

WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=6)  # as a manifest's ids
KEYS = st.lists(WORDS | st.integers(-(2**70), 2**70), max_size=5).map(tuple)
few = settings(max_examples=80, deadline=None)


def test_the_numbers_stand_still():
    # A change here changes every run's folds, weights and augmentation: it needs a note in the changelog.
    assert digest(0, "fold", 1) == 339425729532615898782980560537580678530
    assert torch_seed(0, "init") == 9127900963998840989
    assert generator(0, "fold").random(3).tolist() == [0.5899347426198877, 0.7932740238417181, 0.5487617439877779]
    assert uniform(2, ["a", "b"], 0, "augment").tolist() == [
        [0.16610287462401319, 0.59446918645102],
        [0.04522165530088751, 0.24158424057000338],
    ]


@few
@given(st.lists(KEYS, unique_by=repr, min_size=2, max_size=8))
def test_other_names_are_other_numbers(names):
    assert len({digest(*each) for each in names}) == len(names)


@pytest.mark.parametrize(
    ("one", "other"),
    [((1,), ("1",)), (("a", "b"), ("ab",)), (("a", "b"), ("b", "a")), ((), ("",)), ((12, 3), (1, 23)), ((-1,), (1,))],
)
def test_names_that_look_alike_differ(one, other):
    assert digest(*one) != digest(*other)


@few
@given(st.integers(0, 127))
def test_numpy_s_integers_count_as_what_they_hold(number):
    for kind in (np.int8, np.uint8, np.int64, np.uint64):
        assert digest("fold", kind(number)) == digest("fold", number)


@pytest.mark.parametrize("name", [1.0, None, b"a", ("a",)])
def test_what_has_no_one_spelling_is_no_name(name):
    with pytest.raises(TypeError):
        digest(0, name)


def test_another_process_gives_the_same_numbers():
    # Python's own hash() of text would not: it is salted for each process.
    code = "from msde_toolkit.randomness import digest; print(digest(7, 'fold', 'ä'))"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": salt, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for salt in ("1", "2")
    }
    assert printed == {f"{digest(7, 'fold', 'ä')}\n".encode()}


def test_nothing_is_carried_over():
    first = generator("a").random(5)
    generator("b").random(1000)
    np.random.default_rng().random(3)
    assert np.array_equal(generator("a").random(5), first)


@few
@given(KEYS)
def test_torch_takes_the_seed(names):
    seed = torch_seed(*names)
    assert 0 <= seed < 2**63
    assert torch.Generator().manual_seed(seed).initial_seed() == seed


@few
@given(st.lists(WORDS, unique=True, min_size=1, max_size=8), st.integers(1, 5), st.data())
def test_a_row_depends_on_its_id_alone(ids, count, data):
    together = dict(zip(ids, uniform(count, ids, 3, "x"), strict=True))
    some = data.draw(st.lists(st.sampled_from(ids), max_size=6))
    found = uniform(count, some, 3, "x")
    assert found.shape == (len(some), count)
    for sample, row in zip(some, found, strict=True):
        assert np.array_equal(row, together[sample])
        assert np.array_equal(row, generator(3, "x", sample).random(count))


def test_rows_are_uniform_and_unrelated():
    numbers = uniform(4, [f"s{row:05d}" for row in range(5000)], 0, "augment")
    assert numbers.min() >= 0
    assert numbers.max() < 1
    counts, _ = np.histogram(numbers, bins=10, range=(0, 1))
    assert np.abs(counts / numbers.size - 0.1).max() < 0.01
    neighbours = np.corrcoef(np.hstack([numbers[:-1], numbers[1:]]).T) - np.eye(8)
    assert np.abs(neighbours).max() < 0.06
