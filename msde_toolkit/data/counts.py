"""How many samples a set has, by class, condition and split."""

from __future__ import annotations

from typing import Any

from msde_toolkit.types import Manifest


def count_table(manifest: Manifest) -> list[dict[str, Any]]:
    """A row a class and one for the total; a column for each condition (and split), for pairs, and the total."""
    frame = manifest.frame
    splits: list[str | None] = [*manifest.split_names] or [None]
    selections = {
        " ".join(filter(None, (condition.upper(), split))): (frame["condition"] == condition)
        & ((frame["split"] == split) if split else True)
        for condition in manifest.conditions
        for split in splits
    }
    pairs = manifest.pairs()
    pair_labels = frame["label"].iloc[pairs["nm"].to_numpy(dtype=int)]
    rows = []
    for label, name in [*enumerate(manifest.classes), (None, "total")]:
        of_class = frame["label"].notna() if label is None else frame["label"] == label
        row: dict[str, Any] = {"class": name}
        row.update({title: int((chosen & of_class).sum()) for title, chosen in selections.items()})
        row["pairs"] = len(pairs) if label is None else int((pair_labels == label).sum())
        row["all"] = int(of_class.sum())
        rows.append(row)
    return rows
