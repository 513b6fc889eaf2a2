"""All checks, and one look at a dataset with each."""

from __future__ import annotations

from collections.abc import Callable

from msde_toolkit.data.audit.confounding import condition_confounded
from msde_toolkit.data.audit.duplicates import (
    conflicting_labels,
    duplicates_across_splits,
    duplicates_within_split,
    near_duplicates,
)
from msde_toolkit.data.audit.faulty_images import constant, unreadable
from msde_toolkit.data.audit.finding import Audit, DoesNotApply, Finding
from msde_toolkit.data.audit.identities import same_identity
from msde_toolkit.data.audit.lost_faces import crop_failures
from msde_toolkit.data.audit.mask_leak import mask_encodes_label
from msde_toolkit.data.audit.material import Material
from msde_toolkit.data.audit.people import pair_label_mismatch, pair_split, subject_overlap
from msde_toolkit.data.audit.run_protocol import never_validated, selected_on_test, validated_twice

Check = Callable[[Material], list[Finding]]

ALL_CHECKS: tuple[Check, ...] = (
    subject_overlap,
    same_identity,
    duplicates_across_splits,
    duplicates_within_split,
    near_duplicates,
    conflicting_labels,
    pair_split,
    pair_label_mismatch,
    condition_confounded,
    mask_encodes_label,
    validated_twice,
    never_validated,
    selected_on_test,
    crop_failures,
    unreadable,
    constant,
)
"""Each is a function of a name that its findings carry."""

_ORDER = ("severe", "warning", "info")


def audit(material: Material) -> Audit:
    """Every check on this material.

    Raises:
        DataError: if images are to be read and not one can be decoded.
        InputError: if the dataset cannot be opened.
    """
    findings: list[Finding] = []
    passed: list[str] = []
    not_applicable: dict[str, str] = {}
    for check in ALL_CHECKS:
        try:
            found = check(material)
        except DoesNotApply as reason:
            not_applicable[check.__name__] = str(reason)
            continue
        findings += found
        if not found:
            passed.append(check.__name__)
    findings.sort(key=lambda finding: _ORDER.index(finding.severity))
    return Audit(tuple(findings), tuple(passed), not_applicable)
