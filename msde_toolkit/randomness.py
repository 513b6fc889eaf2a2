"""Randomness as a function of names: the same words give the same numbers, whatever ran before.

Workers, resume and batch order cannot change a result, because no generator is carried from one sample to the next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from operator import index

import numpy as np
import numpy.typing as npt

Key = str | int


def digest(*names: Key) -> int:
    """A 128-bit integer made of the names (blake2b; unit separator between them)."""
    # numpy's scalars count as what they hold, and 1 is not "1".
    text = "\x1f".join(f"s:{name}" if isinstance(name, str) else f"i:{index(name)}" for name in names)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")


def generator(*names: Key) -> np.random.Generator:
    """A numpy generator (Philox) keyed by the names, e.g. ``generator(seed, "fold", fold, epoch, sample_id)``."""
    return np.random.Generator(np.random.Philox(key=digest(*names)))


def torch_seed(*names: Key) -> int:
    """A non-negative 63-bit seed for ``torch.manual_seed``."""
    return digest(*names) >> 65


def uniform(count: int, ids: Sequence[str], *names: Key) -> npt.NDArray[np.float64]:
    """``[len(ids), count]`` uniform numbers in [0, 1): row i depends on ``names`` and ``ids[i]`` alone."""
    out = np.empty((len(ids), count))
    for row, sample in enumerate(ids):
        generator(*names, sample).random(out=out[row])
    return out
