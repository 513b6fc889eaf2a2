"""RAN's lists of RAF-DB test images that are occluded or turned away, as its authors give them out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from msde_datasets.bad_rows import BadRows
from msde_datasets.text_files import one_of, read_lines
from msde_toolkit.errors import InputError

FILES = {
    "occlusion": "rafdb_occlusion_list.txt",
    "pose30": "val_raf_db_list.txt",
    "pose45": "val_raf_db_list_45.txt",
}
FOLDER = "RAF_DB_dir"
LABELS = 7
_HEADER = re.compile(r"\d+\s+\d+")


@dataclass(frozen=True)
class RanList:
    """The images of one list.

    Attributes:
        file: where it stands.
        labels: name without ``_aligned`` and ending (``test_0003``) to label, 0 to 6 in the toolkit's order.
        notes: of lines left out, and of images listed more than once.
    """

    file: Path
    labels: dict[str, int]
    notes: tuple[str, ...]


def read_ran_list(subset: str, lists: Path, *, skip: bool) -> RanList:
    """The list of ``occlusion``, ``pose30`` or ``pose45`` (heads turned by more than 30 or 45 degrees).

    Args:
        subset: which one.
        lists: the file, or a folder that holds it or its folder ``RAF_DB_dir``.
        skip: leave out lines that cannot be read.

    Raises:
        InputError: if there is no such list.
        DataError: naming file and line.
    """
    file = _find(subset, lists)
    bad = BadRows(str(file))
    labels: dict[str, int] = {}
    lines = 0
    for number, line in read_lines(file):
        if number == 1 and _HEADER.fullmatch(line):
            continue  # "1247 7": how many lines and classes follow
        try:
            name, label = parse_line(line)
        except ValueError as error:
            bad.add(f"line {number}", str(error))
            continue
        if labels.setdefault(name, label) != label:
            bad.add(f"line {number}", f"{name} is label {label} here and {labels[name]} above")
        else:
            lines += 1
    notes = bad.settle(len(labels), skip=skip)
    again = (f"{file.name} names {len(labels):,} images in {lines:,} lines",) if lines > len(labels) else ()
    return RanList(file, labels, (*notes, *again))


def parse_line(line: str) -> tuple[str, int]:
    """Name and label of ``test_0003_aligned 3 4`` (name, label, kind of occlusion) or ``0/test_0004_aligned.jpg``.

    Raises:
        ValueError: saying what stands there instead.
    """
    words = line.split()
    place = PurePosixPath(words[0].replace("\\", "/")) if words else PurePosixPath()
    label = words[1] if len(words) > 1 else place.parent.name
    # A list may name a .jpg that is a .png here: the ending says nothing.
    name = re.sub(r"_aligned$", "", re.sub(r"\.(jpe?g|png)$", "", place.name.lower()))
    if not name or not (label.isdecimal() and int(label) < LABELS):
        message = f"{line[:60]!r} is neither 'NAME LABEL CODE' nor 'LABEL/NAME.jpg' with a label from 0 to 6"
        raise ValueError(message)
    return name, int(label)


def _find(subset: str, lists: Path) -> Path:
    if lists.is_file():
        return lists
    name = FILES[subset]
    for folder in (lists, one_of(lists, (FOLDER,))):
        file = one_of(folder, (name,)) if folder is not None else None
        if file is not None:
            return file
    message = (
        f"No list {name} in {lists} or its {FOLDER}. The lists are RAN's (github.com/kaiwang960112); give their folder "
        f"or the file with --set data.lists=PATH."
    )
    raise InputError(message)
