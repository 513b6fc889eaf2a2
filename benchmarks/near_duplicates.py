"""How the search for near duplicates grows: random 64-bit hashes with planted near pairs.

    python benchmarks/near_duplicates.py --rounds 5

Every planted pair must be found, or the benchmark stops. Close to linear: a tenfold number of hashes takes about ten
times as long, where comparing all pairs would take a hundred times.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import numpy as np

from msde_toolkit.data.audit.perceptual_hash import NEAR, near_pairs

SIZES = (10_000, 30_000, 100_000)
PLANTED = 0.01
"""Share of hashes that get a twin of up to ``NEAR`` flipped bits."""


def hashes_with_twins(count: int, seed: int) -> tuple[np.ndarray, set[tuple[int, int]]]:
    """uint64 ``[count]``, and the pairs that must be found."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, count, dtype=np.uint64)
    rows = rng.permutation(count)[: 2 * int(count * PLANTED)].reshape(-1, 2)
    for original, twin in rows:
        flipped = sum(1 << int(bit) for bit in rng.choice(64, rng.integers(0, NEAR + 1), replace=False))
        hashes[twin] = hashes[original] ^ np.uint64(flipped)
    return hashes, {(int(min(pair)), int(max(pair))) for pair in rows}


def seconds(count: int, rounds: int) -> float:
    """Median time of a search."""
    times = []
    for number in range(rounds):
        hashes, planted = hashes_with_twins(count, number)
        begin = time.perf_counter()
        found = near_pairs(hashes)
        times.append(time.perf_counter() - begin)
        missing = planted - {(int(left), int(right)) for left, right in found}
        if missing:
            message = f"{len(missing)} of {len(planted)} planted pairs were not found"
            raise SystemExit(message)
    return statistics.median(times)


def main() -> None:
    """Print seconds by number of hashes, and the ratio to the smallest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="searches at each size; the median counts")
    rounds = parser.parse_args().rounds
    times = {count: seconds(count, rounds) for count in SIZES}
    first = SIZES[0]
    rows = [
        {"hashes": count, "seconds": round(time, 4), "ratio": round(time / times[first], 2), "linear": count / first}
        for count, time in times.items()
    ]
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
