"""Samples that a set has but that cannot be used: kept as a record, so that what was lost can be counted and told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from msde_toolkit.errors import DataError

Reason = Literal["unreadable", "crop_failures"]


@dataclass(frozen=True)
class LeftOut:
    """A sample that is no longer in the manifest.

    Attributes:
        sample: its id.
        reason: why, in a few words.
        check: the check of ``msde data audit`` that reports it.
        condition: of the sample.
        label: index into the manifest's classes.
        subject: None where unknown.
        for_partner: nothing is wrong with it but that the other image of its pair cannot be used.
    """

    sample: str
    reason: str
    check: Reason
    condition: str
    label: int
    subject: str | None
    for_partner: bool = False

    @classmethod
    def all_of(cls, documents: Any, source: str) -> tuple[LeftOut, ...]:
        """Read back from JSON: a list of what ``dataclasses.asdict`` makes of each.

        Raises:
            DataError: naming ``source``, if it is something else.
        """
        try:
            return tuple(_checked(document) for document in documents)
        except (TypeError, ValueError, KeyError) as error:
            message = f"{source}: its list of samples left out is damaged ({error})."
            raise DataError(message) from error


def _checked(document: Mapping[str, Any]) -> LeftOut:
    left_out = LeftOut(**{field.name: document[field.name] for field in fields(LeftOut)})
    texts = (left_out.sample, left_out.reason, left_out.condition, left_out.subject or "")
    if not all(isinstance(text, str) for text in texts) or left_out.check not in ("unreadable", "crop_failures"):
        message = f"entry {document!r}"
        raise ValueError(message)
    if type(left_out.label) is not int or type(left_out.for_partner) is not bool:
        message = f"entry {document!r}"
        raise TypeError(message)
    return left_out
