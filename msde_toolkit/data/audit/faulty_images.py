"""Checks for images that are of no use: unreadable, of one colour, or never cropped."""

from __future__ import annotations

import numpy as np
import pandas as pd

from msde_toolkit.data.audit.duplicates import images_of
from msde_toolkit.data.audit.finding import DoesNotApply, Finding, found
from msde_toolkit.data.audit.material import Material

CROP_FAILED = "crop_failed"
"""Column of a manifest that a face recipe made: true, or the reason, where no face was found."""


def unreadable(material: Material) -> list[Finding]:
    """Images that cannot be decoded."""
    reasons = images_of(material).unreadable
    rows = material.manifest.frame["id"].isin(list(reasons)).to_numpy()
    # A reason may hold braces, which found() would take for a place to fill.
    first = next(iter(reasons.values()), "").replace("{", "{{").replace("}", "}}")
    return found(
        "unreadable",
        "warning",
        material,
        rows,
        f"{{rows}} images cannot be decoded, and msde run stops at them. The first: {first}",
        "Copy or download them again, or leave them out with --on-bad skip.",
        _condition(material),
    )


def constant(material: Material) -> list[Finding]:
    """Images of one colour."""
    return found(
        "constant",
        "warning",
        material,
        images_of(material).constant,
        "{rows} images are of one colour and show nobody.",
        "Leave them out.",
        _condition(material),
    )


def crop_failures(material: Material) -> list[Finding]:
    """Samples whose face was not found; worse where this hits one condition more than the other."""
    frame = material.manifest.frame
    if CROP_FAILED not in frame:
        message = f"the manifest does not say (it has no column {CROP_FAILED})"
        raise DoesNotApply(message)
    failed = np.array([_is_failure(cell) for cell in frame[CROP_FAILED]], dtype=bool)
    rates = pd.Series(failed).groupby(_condition(material)).mean()
    told = ", ".join(f"{str(condition).upper()} {100 * rate:.1f} %" for condition, rate in rates.items())
    return found(
        "crop_failures",
        "warning",
        material,
        failed,
        f"{{rows}} samples have no face crop ({told}): where one condition loses more, the two no longer show the same "
        "people and expressions, and each failure costs its pair.",
        "Give their boxes by hand, or leave out the partner too; report how many were lost by condition.",
        _condition(material),
    )


def _condition(material: Material) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    return material.manifest.frame["condition"].to_numpy(dtype=object)


def _is_failure(cell: object) -> bool:
    if isinstance(cell, str):
        return cell.strip().lower() not in {"", "0", "false", "no"}
    return cell is not None and not pd.isna(cell) and bool(cell)  # type: ignore[call-overload]
