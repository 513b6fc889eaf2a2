"""A 64-bit hash that hardly changes when an image is scaled, recompressed or brightened, and a search for near ones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

from msde_toolkit.interfaces import Image

Hashes = npt.NDArray[np.uint64]
SIDE = 32
BITS = 64
NEAR = 3
"""Hashes that differ in at most so many bits are near."""
PARTS = 6
"""The bits are cut into so many parts: of near hashes, at least PARTS - NEAR parts are equal."""
ROW_BITS = np.uint64(31)
MOST_OF_ONE_KEY = 256
"""Of more hashes that share a key, each is compared with so many neighbours."""


def perceptual_hash(image: Image) -> int:
    """The signs, around their median, of the 64 lowest frequencies of the image but its mean.

    The image is made grey (Rec. 601), scaled to 32 x 32 and transformed by a cosine transform (DCT-II), after
    Zauner, *Implementation and Benchmarking of Perceptual Image Hash Functions*, 2010, Sec. 3.2.

    Args:
        image: uint8 ``[H, W, 3]`` RGB.
    """
    from PIL import Image as Pillow

    small = Pillow.fromarray(image).convert("L").resize((SIDE, SIDE), Pillow.Resampling.BILINEAR)
    basis = _basis()
    spectrum = basis @ np.asarray(small, dtype=np.float64) @ basis.T
    low = spectrum[_lowest()]
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")


@cache
def _basis() -> npt.NDArray[np.float64]:
    """``[16, 32]`` the lower half of an orthonormal DCT-II."""
    frequency, place = np.arange(SIDE // 2)[:, None], np.arange(SIDE)[None, :]
    basis: npt.NDArray[np.float64] = np.cos(np.pi * frequency * (2 * place + 1) / (2 * SIDE)) * np.sqrt(2 / SIDE)
    basis[0] /= np.sqrt(2)
    return basis


@cache
def _lowest() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows and columns of the lowest frequencies without the mean, by the sum of both."""
    places = sorted(np.ndindex(SIDE // 2, SIDE // 2), key=lambda place: (sum(place), place))[1 : BITS + 1]
    rows, columns = np.array(places, dtype=np.int64).T
    return rows, columns


def near_pairs(hashes: Hashes) -> npt.NDArray[np.int64]:
    """``[k, 2]`` all pairs of rows, the smaller number first, whose hashes differ in at most ``NEAR`` bits.

    Two hashes that differ in three bits agree in at least three of six parts of 10 or 11 bits. So each choice of three
    parts, 20 in all, gives a key of about 32 bits, and only hashes of an equal key are compared: keys of unrelated
    images hardly ever meet, and time grows with n log n (Manku et al., *Detecting Near-Duplicates for Web Crawling*,
    WWW 2007, Sec. 3).
    """
    found = [pairs for words in _keys_with_rows(hashes) for pairs in _pairs_of_equal_key(hashes, words)]
    if not found:
        return np.empty((0, 2), dtype=np.int64)
    together = np.concatenate(found)
    codes = np.unique(together.min(axis=1) * len(hashes) + together.max(axis=1))
    return np.stack(np.divmod(codes, len(hashes)), axis=1)


def _keys_with_rows(hashes: Hashes) -> Iterator[Hashes]:
    """For each choice of parts, ``[n]`` sorted words: these parts side by side (33 bits at most), then the row.

    Key and row in one word need no second look at the hashes, and one buffer for all choices no new memory: these are
    what takes time. What is yielded is overwritten by the next.
    """
    edges = np.linspace(0, BITS, PARTS + 1).round().astype(int).tolist()
    widths = [np.uint64(stop - start) for start, stop in pairwise(edges)]
    ones = [(np.uint64(1) << width) - np.uint64(1) for width in widths]
    parts = [(hashes >> np.uint64(start)) & one for start, one in zip(edges, ones, strict=False)]
    rows = np.arange(len(hashes), dtype=np.uint64)
    words = np.empty_like(hashes)
    for chosen in combinations(range(PARTS), PARTS - NEAR):
        words.fill(0)
        for part in chosen:
            words <<= widths[part]
            words |= parts[part]
        words <<= ROW_BITS
        words |= rows
        words.sort()
        yield words


def _pairs_of_equal_key(hashes: Hashes, words: Hashes) -> Iterator[npt.NDArray[np.int64]]:
    row_only = (np.uint64(1) << ROW_BITS) - np.uint64(1)
    first = np.flatnonzero((words[1:] ^ words[:-1]) <= row_only)
    for step in range(1, MOST_OF_ONE_KEY + 1):
        # Whoever has no neighbour of the same key at this step has none at a larger one.
        first = first[first + step < len(words)]
        first = first[(words[first] ^ words[first + step]) <= row_only]
        if not len(first):
            return
        left, right = ((words[place] & row_only).astype(np.int64) for place in (first, first + step))
        near = _bits_set(hashes[left] ^ hashes[right]) <= NEAR
        yield np.stack([left[near], right[near]], axis=1)


def _bits_set(words: Hashes) -> npt.NDArray[np.int64]:
    bits = np.unpackbits(words.view(np.uint8).reshape(-1, BITS // 8), axis=1)
    return np.asarray(bits.sum(axis=1), dtype=np.int64)
