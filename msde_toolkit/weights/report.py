"""What loading weights did to a model, key by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Shape = tuple[int, ...]

BACKBONE = "backbone."
COUNTER = "num_batches_tracked"
"""Counts a batch norm's steps; files from before torch 0.4.1 lack it, and no output depends on it."""

_SHOWN = 3
"""How many keys a line names before it counts the rest."""

_WORDS = {"ours": "own", "authors": "authors'"}


@dataclass(frozen=True)
class WeightsReport:
    """Which keys went where. Keys of the model are named as in its ``state_dict``, others as in the file.

    Attributes:
        layout: ``ours``, ``authors``, ``torchvision``, ``msceleb``, ``vggface2`` or ``other``.
        matched: keys of the model that were filled.
        missing: keys of the model that stay as they were initialised.
        unexpected: keys of the file for which the model has no place: left out.
        reshaped: key, shape in the file, shape in the model: left as initialised, because only the classes differ.
        dropped: the file's head, made for other classes than expressions or of another model: left out.
        notes: what the user must know of such weights in this network.
        sha256: of the file; None where the weights did not come from one.
    """

    layout: str
    matched: tuple[str, ...]
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    reshaped: tuple[tuple[str, Shape, Shape], ...] = ()
    dropped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sha256: str | None = None

    @property
    def complete(self) -> bool:
        """Whether nothing of the model is left to chance."""
        return not self.reshaped and all(key.endswith(COUNTER) for key in self.missing)

    def summary(self) -> str:
        """One line, e.g. ``torchvision layout: 120 of 120 backbone keys; head new (fc.weight, fc.bias left out)``."""
        parts = [self._filled()]
        if not self.complete:
            left_out = first([*self.dropped, *(f"{key} {list(shape)}" for key, shape, _ in self.reshaped)])
            parts.append(f"head new ({left_out} left out)" if left_out else "head new")
        if self.unexpected:
            parts.append(f"{len(self.unexpected)} other keys left out ({first(self.unexpected)})")
        return f"{_WORDS.get(self.layout, self.layout)} layout: {'; '.join(parts)}"

    def as_dict(self) -> Mapping[str, Any]:
        """For JSON."""
        return {**asdict(self), "complete": self.complete, "summary": self.summary()}

    def _filled(self) -> str:
        if self.complete:
            return f"all {len(self.matched)} keys"
        if self.reshaped:
            return f"{len(self.matched)} of {len(self.matched) + len(self.reshaped)} keys"
        # Counters are no gap where the file, an old one, has none at all.
        counted = any(key.endswith(COUNTER) for key in self.matched)
        gaps = [key for key in self.missing if key.startswith(BACKBONE) and (counted or not key.endswith(COUNTER))]
        return f"{len(self.matched)} of {len(self.matched) + len(gaps)} backbone keys"


def first(keys: Sequence[str]) -> str:
    """The first keys, and how many more there are."""
    rest = len(keys) - _SHOWN
    return ", ".join(map(str, keys[:_SHOWN])) + (f" and {rest} more" if rest > 0 else "")
