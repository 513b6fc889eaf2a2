"""Checks for images that are of no use: unreadable, or of one colour."""

from __future__ import annotations

import re

from msde_toolkit.data.audit.duplicates import images_of
from msde_toolkit.data.audit.finding import SHOWN, Finding, found
from msde_toolkit.data.audit.material import Material

LEFT_OUT = re.compile(r"^(?P<count>[\d,]+) bad rows? of .* left out \((?P<reasons>.*)\)$", re.DOTALL)
"""How a dataset notes the rows that it left out: "2 bad rows of list.txt left out (line 3: ...; line 9: ...)"."""


def unreadable(material: Material) -> list[Finding]:
    """Images that cannot be decoded, and rows that the dataset could not use and left out (``on_bad=skip``)."""
    bad_rows = [match for note in material.manifest.notes if (match := LEFT_OUT.match(note))]
    reasons = {lost.sample: lost.reason for lost in material.manifest.left_out if lost.check == "unreadable"}
    if material.pixels is not None or not (bad_rows or reasons):
        reasons |= images_of(material).unreadable
    count = len(reasons) + sum(int(match["count"].replace(",", "")) for match in bad_rows)
    if not count:
        return []
    places = [reason.partition(": ")[0] for match in bad_rows for reason in match["reasons"].split("; ")]
    first = next(iter([*reasons.values(), *(match["reasons"].split("; ")[0] for match in bad_rows)]))
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
        material.manifest.frame["condition"].to_numpy(dtype=object),
    )
