"""A 64-bit hash that hardly changes when an image is scaled, recompressed or brightened, and a search for near ones."""

from __future__ import annotations

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
    found = [
        pairs
        for key in (hashes & mask for mask in _key_masks())
        for pairs in _pairs_of_equal_key(hashes, key)
        if len(pairs)
    ]
    if not found:
        return np.empty((0, 2), dtype=np.int64)
    together = np.concatenate(found)
    codes = np.unique(together.min(axis=1) * len(hashes) + together.max(axis=1))
    return np.stack(np.divmod(codes, len(hashes)), axis=1)


def _key_masks() -> list[np.uint64]:
    edges = np.linspace(0, BITS, PARTS + 1).round().astype(int)
    parts = [sum(1 << bit for bit in range(start, stop)) for start, stop in pairwise(edges.tolist())]
    return [np.uint64(sum(chosen)) for chosen in combinations(parts, PARTS - NEAR)]


def _pairs_of_equal_key(hashes: Hashes, key: Hashes) -> list[npt.NDArray[np.int64]]:
    order = np.lexsort((hashes, key))
    sorted_key, sorted_hash = key[order], hashes[order]
    found = []
    first = np.arange(len(order))
    for step in range(1, min(len(order), MOST_OF_ONE_KEY + 1)):
        # Whoever has no neighbour of the same key at this step has none at a larger one.
        first = first[first + step < len(order)]
        first = first[sorted_key[first] == sorted_key[first + step]]
        if not len(first):
            break
        near = np.bitwise_count(sorted_hash[first] ^ sorted_hash[first + step]) <= NEAR
        found.append(np.stack([order[first[near]], order[first[near] + step]], axis=1))
    return found
