"""Rows that cannot be used: collected with their reasons, then an error or a note, as the user chose."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from msde_toolkit.errors import DataError

NAMED = 20
"""So many bad rows are described; the others are counted."""


@dataclass
class BadRows:
    """What is wrong with a set's rows.

    Args:
        source: the file (or folder) they stand in, as messages name it.
    """

    source: str
    count: int = field(default=0, init=False)
    reasons: list[str] = field(default_factory=list, init=False)

    def add(self, where: str, why: str) -> None:
        """Note a row: ``add("line 17", "label 9 is not one of 1 to 7")``."""
        self.count += 1
        if len(self.reasons) < NAMED:
            self.reasons.append(f"{where}: {why}")

    def settle(self, usable: int, *, skip: bool) -> tuple[str, ...]:
        """Notes for the manifest.

        Args:
            usable: how many rows can be used.
            skip: leave the bad rows out (``on_bad=skip``) instead of stopping.

        Raises:
            DataError: if there are bad rows and they must not be skipped, or no row is left.
        """
        if not usable:
            reason = f"none of its {self.count} rows can be used; {self.reasons[0]}" if self.count else "holds no rows"
            message = f"{self.source}: {reason}."
            raise DataError(message)
        if not self.count:
            return ()
        if not skip:
            others = f" and {self.count - 1} more bad rows" if self.count > 1 else ""
            message = (
                f"{self.source}, {self.reasons[0]}{others}.\n"
                "Mend it, or leave such rows out with --set data.on_bad=skip (or --on-bad skip)."
            )
            raise DataError(message)
        more = "; ..." if self.count > len(self.reasons) else ""
        # A note goes into the files of a run, where no machine's paths belong.
        return (f"{self.count} bad rows of {Path(self.source).name} left out ({'; '.join(self.reasons)}{more})",)
