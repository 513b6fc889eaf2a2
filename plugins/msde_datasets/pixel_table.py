"""The CSV form of FER2013: a face a line, its pixels as decimal numbers in one cell."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from msde_datasets.bad_rows import NAMED
from msde_datasets.published_counts import total
from msde_toolkit.errors import DataError

SIDE = 48
PIXELS = SIDE * SIDE
EMOTIONS = 7
COLUMNS = ("emotion", "pixels", "usage")
USAGES = ("training", "publictest", "privatetest")
PUBLISHED = {"Training": 28_709, "PublicTest": 3_589, "PrivateTest": 3_589}
"""Rows of each usage, in the order of ``USAGES``."""
LONGEST_LINE = 1 << 20


@dataclass(frozen=True)
class PixelTable:
    """The usable rows of a file and what is wrong with the others.

    Attributes:
        lines: ``[n]`` line of each row, 1-based, the header is line 1; ascending.
        emotions: ``[n]`` as in the file, 0 to 6.
        usages: ``[n]`` index into ``USAGES``.
        pixels: uint8 ``[n, 48, 48]``.
        bad: number of rows that cannot be used.
        reasons: of the first of them, "line 17: 2303 pixels, expected 2304".
    """

    lines: npt.NDArray[np.int64]
    emotions: npt.NDArray[np.int64]
    usages: npt.NDArray[np.int64]
    pixels: npt.NDArray[np.uint8]
    bad: int
    reasons: tuple[str, ...]

    def differences(self) -> tuple[str, ...]:
        """A note for each usage that has another number of rows than published."""
        found = [int((self.usages == number).sum()) for number in range(len(USAGES))]
        pairs = zip(PUBLISHED.items(), found, strict=True)
        return tuple(total(usage, rows, there, "rows") for (usage, rows), there in pairs if there != rows)

    def face(self, line: int) -> npt.NDArray[np.uint8] | None:
        """uint8 ``[48, 48]`` of a line; None if no usable row stands there."""
        row = int(np.searchsorted(self.lines, line))
        return self.pixels[row] if row < len(self.lines) and self.lines[row] == line else None


def read_pixel_table(file: Path) -> PixelTable:
    """Parse the file, or take it from this process's memory if it has not changed (84 MB for the whole of FER2013).

    Raises:
        DataError: if the file is missing, is no such CSV, or its gzip stream is damaged. Bad rows do not raise.
    """
    try:
        stat = file.stat()
    except OSError as error:
        message = f"{file}: cannot be read ({error.strerror})."
        raise DataError(message) from error
    return _parsed(file, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=1)
def _parsed(file: Path, _size: int, _changed: int) -> PixelTable:
    rows = _Rows()
    with _opened(file) as stream:
        places = _header(stream, file)
        for number, line in _lines(stream, file):
            if line.strip():
                rows.add(number, line, places)
    return rows.table()


@dataclass
class _Rows:
    lines: list[int] = field(default_factory=list)
    emotions: list[int] = field(default_factory=list)
    usages: list[int] = field(default_factory=list)
    pixels: bytearray = field(default_factory=bytearray)
    bad: int = 0
    reasons: list[str] = field(default_factory=list)

    def add(self, number: int, line: bytes, places: tuple[int, int, int]) -> None:
        cells = [cell.strip(b' "\t\r\n') for cell in line.split(b",")]
        try:
            if len(cells) <= max(places):
                raise ValueError(f"{len(cells)} cells, expected {max(places) + 1}")
            emotion, pixels, usage = (cells[place] for place in places)
            parsed = parse_emotion(emotion), parse_usage(usage), parse_pixels(pixels)
        except ValueError as error:
            self.bad += 1
            if len(self.reasons) < NAMED:
                self.reasons.append(f"line {number}: {error}")
            return
        self.lines.append(number)
        self.emotions.append(parsed[0])
        self.usages.append(parsed[1])
        self.pixels += parsed[2].tobytes()

    def table(self) -> PixelTable:
        lines, emotions, usages = (np.array(x, dtype=np.int64) for x in (self.lines, self.emotions, self.usages))
        pixels = np.frombuffer(self.pixels, dtype=np.uint8).reshape(-1, SIDE, SIDE)
        pixels.flags.writeable = False
        return PixelTable(lines, emotions, usages, pixels, self.bad, tuple(self.reasons))


def parse_emotion(cell: bytes) -> int:
    """0 to 6.

    Raises:
        ValueError: saying what stands there instead.
    """
    if not (cell.isdigit() and int(cell) < EMOTIONS):
        message = f"emotion {_shown(cell)} is not one of 0 to {EMOTIONS - 1}"
        raise ValueError(message)
    return int(cell)


def parse_usage(cell: bytes) -> int:
    """Index into ``USAGES``.

    Raises:
        ValueError: saying what stands there instead.
    """
    word = cell.decode("utf-8", "replace").lower()
    if word not in USAGES:
        message = f"Usage {_shown(cell)} is not Training, PublicTest or PrivateTest"
        raise ValueError(message)
    return USAGES.index(word)


def parse_pixels(cell: bytes) -> npt.NDArray[np.uint8]:
    """uint8 ``[2304]`` of decimal numbers between single spaces (more are tolerated).

    Raises:
        ValueError: saying how many pixels there are, or which one is no whole number from 0 to 255.
    """
    values = _fast(cell)
    if values is None:  # a second, slower look finds the reason, or what the fast one was too strict for
        values = _slow(cell)
    return values


def _fast(cell: bytes) -> npt.NDArray[np.uint8] | None:
    text = np.frombuffer(cell, dtype=np.uint8)
    spaces = np.flatnonzero(text == 32)
    if len(spaces) != PIXELS - 1:
        return None
    digits = text - np.uint8(48)  # wraps: whatever is no digit becomes 10 or more
    ends = np.append(spaces, len(text))
    lengths = np.diff(ends, prepend=-1) - 1
    if lengths.min() < 1 or lengths.max() > 3 or np.count_nonzero(digits > 9) != len(spaces):
        return None
    values = digits[ends - 1].astype(np.int16)
    values += np.where(lengths > 1, digits[ends - 2], 0) * np.int16(10)
    values += np.where(lengths > 2, digits[ends - 3], 0) * np.int16(100)
    return None if values.max() > 255 else values.astype(np.uint8)


def _slow(cell: bytes) -> npt.NDArray[np.uint8]:
    words = cell.split()
    if len(words) != PIXELS:
        message = f"{len(words)} pixels, expected {PIXELS}"
        raise ValueError(message)
    for place, word in enumerate(words):
        if not (word.isdigit() and int(word) <= np.iinfo(np.uint8).max):
            message = f"pixel {place + 1} is {_shown(word)}, not a whole number from 0 to 255"
            raise ValueError(message)
    return np.array([int(word) for word in words], dtype=np.uint8)


def _shown(cell: bytes) -> str:
    text = cell[:20].decode("utf-8", "replace")
    return repr(text) if cell else "(empty)"


@contextmanager
def _opened(file: Path) -> Iterator[io.BufferedIOBase]:
    try:
        with file.open("rb") as raw:
            zipped, named_gz = raw.peek(2)[:2] == b"\x1f\x8b", file.suffix == ".gz"
            if zipped != named_gz and raw.peek(1):
                message = f"{file}: {'is not gzip although' if named_gz else 'is gzip although not'} named .gz."
                raise DataError(message)
            if not zipped:
                yield raw
                return
            with gzip.GzipFile(fileobj=raw) as unzipped, io.BufferedReader(unzipped, LONGEST_LINE) as stream:
                yield stream
    except (OSError, EOFError, zlib.error) as error:
        message = f"{file}: cannot be read to its end ({error}); copy or download it again."
        raise DataError(message) from error


def _lines(stream: io.BufferedIOBase, file: Path) -> Iterator[tuple[int, bytes]]:
    """Lines below the header with their numbers."""
    number = 1
    while line := stream.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            message = f"{file}, line {number}: longer than a million characters; this is no FER2013 CSV."
            raise DataError(message)
        yield number, line


def _header(stream: io.BufferedIOBase, file: Path) -> tuple[int, int, int]:
    """Where emotion, pixels and Usage stand in a row."""
    line = stream.readline(LONGEST_LINE)
    if not line.strip():
        message = f"{file}: empty; expected a header emotion,pixels,Usage and a face a line."
        raise DataError(message)
    names = [name.strip(' "\t\r\n') for name in line.decode("utf-8-sig", "replace").split(",")]
    places = {name.lower(): place for place, name in reversed(list(enumerate(names)))}
    missing = [name for name in COLUMNS if name not in places]
    if missing:
        has = ", ".join(name[:30] for name in names[:8])
        message = f"{file}, line 1: no column {' and no '.join(missing)} (it has {has}); expected emotion,pixels,Usage."
        raise DataError(message)
    return places["emotion"], places["pixels"], places["usage"]
