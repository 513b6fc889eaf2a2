"""Checks for images that are of no use: unreadable, of one colour, or never cropped."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from msde_toolkit.data.audit.duplicates import images_of
from msde_toolkit.data.audit.finding import SHOWN, DoesNotApply, Finding, found
from msde_toolkit.data.audit.material import Material

CROP_FAILED = "crop_failed"
"""Column of a manifest that a face recipe made: true, or the reason, where no face was found."""

LEFT_OUT = re.compile(r"^(?P<count>[\d,]+) bad rows? of .* left out \((?P<reasons>.*)\)$", re.DOTALL)
"""How a dataset notes the rows that it left out: "2 bad rows of list.txt left out (line 3: ...; line 9: ...)"."""


def unreadable(material: Material) -> list[Finding]:
    """Images that cannot be decoded, and rows that the dataset could not use and left out (``on_bad=skip``)."""
    left_out = [match for note in material.manifest.notes if (match := LEFT_OUT.match(note))]
    reasons = {} if material.pixels is None and left_out else images_of(material).unreadable
    count = len(reasons) + sum(int(match["count"].replace(",", "")) for match in left_out)
    if not count:
        return []
    places = [reason.partition(": ")[0] for match in left_out for reason in match["reasons"].split("; ")]
    first = next(iter([*reasons.values(), *(match["reasons"].split("; ")[0] for match in left_out)]))
    return [
        Finding(
            check="unreadable",
            severity="warning",
            message=f"{count:,} rows or images cannot be read, and msde run stops at them. The first: {first}",
            rows=count,
            examples=(*reasons, *(place for place in places if place != "..."))[:SHOWN],
            remedy="Copy or download them again, or leave them out with --on-bad skip.",
        )
    ]


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
