"""The listener ``epochs-csv``: appends every epoch's losses to the CSV file that ``MSDE_EPOCHS_CSV`` names."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from msde_toolkit.interfaces import hookimpl
from msde_toolkit.types import EpochEnded

VARIABLE = "MSDE_EPOCHS_CSV"
COLUMNS = ("run", "repeat", "fold", "epoch", "term", "value", "seconds", "images_per_second")


class EpochsCsv:
    """Writes one row for each loss term of each epoch, so that losses with other terms share a file.

    The toolkit makes an object of this class without arguments for every run. A listener implements the hooks it wants
    to hear and no other; it gets a frozen record, returns nothing and cannot change the run. If it raises (no folder,
    disk full), the toolkit says so once, switches it off and goes on.
    """

    def __init__(self) -> None:
        named = os.environ.get(VARIABLE)
        self.path = Path(named) if named else None

    @hookimpl
    def msde_epoch_ended(self, event: EpochEnded) -> None:
        """Append the epoch; does nothing where the variable is not set.

        Raises:
            OSError: if the file cannot be written.
        """
        if self.path is None:
            return
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if file.tell() == 0:
                writer.writerow(COLUMNS)
            place = (event.run, event.repeat, event.fold, event.epoch)
            for term, value in event.losses.items():
                writer.writerow((*place, term, value, event.seconds, event.images_per_second))
