"""Every random number of the generator, as a function of what it is for.

A stream is a numpy Philox generator whose 128-bit key is a BLAKE2 digest of the seed and of the names of its purpose
("subject", 17, "hair"). Nothing is drawn from a shared sequence, so adding a purpose, or drawing only some of the
images, leaves all other images as they were.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.random import Generator, Philox


def stream(seed: int, *names: str | int) -> Generator:
    """Return the generator for one purpose.

    Args:
        seed: The data set's seed, any integer.
        names: What the numbers are for, from the general to the particular. ``1`` and ``"1"`` differ.
    """
    text = "\x1f".join([repr(int(seed)), *(repr(name) for name in names)])
    digest = blake2b(text.encode(), digest_size=16, person=b"msde-synthetic").digest()
    return Generator(Philox(key=np.frombuffer(digest, dtype="<u8").astype(np.uint64)))


def between(rng: Generator, low: float, high: float) -> float:
    """Draw a number uniform on [low, high)."""
    return low + (high - low) * float(rng.random())


def around(rng: Generator, centre: float, spread: float) -> float:
    """Draw a bell-shaped number: mean ``centre``, standard deviation ``spread``, never beyond 2.4 deviations.

    A sum of uniforms, not a normal deviate: bounded, so no face is a monster.
    """
    return centre + spread * float(rng.random(4).sum() - 2.0) * 1.2


def pick(rng: Generator, weights: dict[str, float]) -> str:
    """Draw a key of ``weights`` with probability proportional to its value."""
    names = list(weights)
    edges = np.cumsum([weights[name] for name in names])
    return names[int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))]
