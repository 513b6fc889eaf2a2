"""How the faces of a manifest were prepared, as its columns ``prep`` and ``landmarker`` say."""

from __future__ import annotations

from msde_toolkit.data.faces.crops import LANDMARKER
from msde_toolkit.types import Manifest


def recipes_in(manifest: Manifest) -> list[str]:
    """Texts of the recipes that its faces were cut by, sorted; empty where it says nothing."""
    return sorted(set(manifest.frame["prep"].dropna()))


def recipe_notes(manifest: Manifest) -> list[str]:
    """What the reader of a result must know of how faces were cut: a note, or none."""
    recipes = recipes_in(manifest)
    if not recipes:
        return []
    frame = manifest.frame
    found = sorted({str(name) for name in frame[LANDMARKER].dropna()}) if LANDMARKER in frame else []
    by = f", found by {' and '.join(found)}" if found else ""
    without = int(frame["prep"].isna().sum())
    but = f"; of {without} samples nothing is known" if without else ""
    return [f"faces cut by the recipe {' and '.join(repr(text) for text in recipes)}{by}{but}"]
