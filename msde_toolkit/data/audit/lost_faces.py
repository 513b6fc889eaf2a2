"""Check for faces that were not found when photos were cut to faces, or that the maker of a table could not cut."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from msde_toolkit.data.audit.finding import SHOWN, DoesNotApply, Finding
from msde_toolkit.data.audit.material import Material

CROP_FAILED = "crop_failed"
"""Column of a manifest that others made: true, or the reason, where no face was found."""


def crop_failures(material: Material) -> list[Finding]:
    """Samples whose face was not found; worse where this hits one condition more than the other."""
    faces = _faces(material)
    failed = faces[faces["failed"]]
    partners = sum(lost.check == "crop_failures" and lost.for_partner for lost in material.manifest.left_out)
    if failed.empty:
        return []
    rates = faces.groupby("condition")["failed"].mean()
    told = ", ".join(f"{str(condition).upper()} {100 * rate:.1f} %" for condition, rate in rates.items())
    with_them = f" {partners:,} more went with them, because each failure costs its pair." if partners else ""
    return [
        Finding(
            check="crop_failures",
            severity="warning",
            message=f"{len(failed):,} samples have no face crop ({told}).{with_them} Where one condition loses more, "
            "the two no longer show the same people and expressions.",
            rows=len(failed),
            examples=tuple(failed["id"].iloc[:SHOWN]),
            remedy="Say by hand where their faces are (msde data faces --overrides), or leave out the partner too; "
            "report how many were lost by condition.",
            counts=dict(sorted(Counter(failed["condition"]).items())),
        )
    ]


def _faces(material: Material) -> pd.DataFrame:
    """Columns ``id, condition, failed`` of all samples whose face was looked for.

    Raises:
        DoesNotApply: if the manifest does not say.
    """
    frame = material.manifest.frame
    lost = [sample for sample in material.manifest.left_out if sample.check == "crop_failures"]
    if CROP_FAILED not in frame and frame["prep"].isna().all() and not lost:
        message = f"the manifest does not say (no face recipe in prep, and no column {CROP_FAILED})"
        raise DoesNotApply(message)
    failed = np.zeros(len(frame), dtype=bool)
    if CROP_FAILED in frame:
        failed = np.array([_is_failure(cell) for cell in frame[CROP_FAILED]], dtype=bool)
    there = pd.DataFrame({"id": frame["id"], "condition": frame["condition"], "failed": failed})
    # The partners' faces were found; they count among those that were looked for.
    gone = [(sample.sample, sample.condition, not sample.for_partner) for sample in lost]
    lost_ones = pd.DataFrame(gone, columns=["id", "condition", "failed"], dtype=object)
    return pd.concat([there, lost_ones]).astype({"failed": bool})


def _is_failure(cell: object) -> bool:
    if isinstance(cell, str):
        return cell.strip().lower() not in {"", "0", "false", "no"}
    return cell is not None and not pd.isna(cell) and bool(cell)  # type: ignore[call-overload]
