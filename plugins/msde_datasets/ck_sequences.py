"""CK+ as distributed: a folder of frames for each sequence, and a file with its emotion where it has one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from msde_datasets.image_tree import ImageTree
from msde_datasets.text_files import one_of, read_lines
from msde_toolkit.errors import DataError

LAST = 3
EMOTIONS = ("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise")
"""The files' own order, 0 to 7."""
_FRAME = re.compile(r"(S\d+)_(\d+)_(\d+)", re.IGNORECASE)
_EMOTION = re.compile(r"(S\d+)_(\d+)_\d+_emotion\.txt", re.IGNORECASE)
_IMAGE_FOLDERS = ("cohn-kanade-images", "extended-cohn-kanade-images")
_EMOTION_FOLDERS = ("Emotion", "Emotion_labels", "Emotions")


@dataclass(frozen=True)
class Sequences:
    """Folders of the images and of the emotions, from the root."""

    images: str
    emotions: str


def find_sequences(root: Path) -> Sequences | None:
    """Where images and emotions are; None if there are none. A folder may hold one of its own name."""
    images, emotions = one_of(root, _IMAGE_FOLDERS), one_of(root, _EMOTION_FOLDERS)
    if images is None or emotions is None:
        return None
    images = one_of(images, _IMAGE_FOLDERS) or images
    emotions = one_of(emotions, _EMOTION_FOLDERS) or emotions
    return Sequences(images.relative_to(root).as_posix(), emotions.relative_to(root).as_posix())


def sequence_rows(
    tree: ImageTree, sequences: Sequences, *, neutral_first: bool
) -> tuple[list[dict[str, str]], tuple[str, ...]]:
    """The last three frames of each labelled sequence and, if wanted, its first as neutral; and notes."""
    frames = _frames(tree, sequences.images)
    labelled = set()
    rows: list[dict[str, str]] = []
    for sequence, file in _emotion_files(tree.root / sequences.emotions):
        where = file.relative_to(tree.root).as_posix()
        try:
            if sequence in labelled:
                message = f"is a second emotion of {sequence}"
                raise ValueError(message)
            labelled.add(sequence)
            word = EMOTIONS[read_emotion(file)]
            paths = frames.get(sequence, [])
            if len(paths) < LAST + neutral_first:
                first = " and the first" if neutral_first else ""
                message = f"{sequence} has {len(paths)} frames, too few for the last {LAST}{first}"
                raise ValueError(message)
        except ValueError as error:
            tree.bad.add(where, str(error))
            continue
        if neutral_first:
            rows.append(_row(sequence, paths[0], "neutral", "first"))
        rows += [_row(sequence, path, word, "peak") for path in paths[-LAST:]]
    rows.sort(key=lambda row: row["path"])
    unlabelled = len(frames.keys() - labelled)
    return rows, (f"{unlabelled} sequences without an emotion left out",) if unlabelled else ()


def read_emotion(file: Path) -> int:
    """0 to 7 of a file that holds one number, written as ``3.0000000e+00``.

    Raises:
        ValueError: saying what stands there instead.
    """
    try:
        lines = read_lines(file)
    except DataError as error:
        reason = str(error).removeprefix(f"{file}: ").removesuffix(".")
        raise ValueError(reason) from error
    words = " ".join(line for _, line in lines)
    try:
        value = float(words)
    except ValueError:
        value = -1.0
    if not (value.is_integer() and 0 <= value < len(EMOTIONS)):
        number = lines[0][0] if lines else 1
        message = f"line {number}: {words[:40]!r} is not one emotion of 0 to {len(EMOTIONS) - 1}"
        raise ValueError(message)
    return int(value)


def _frames(tree: ImageTree, folder: str) -> dict[str, list[PurePosixPath]]:
    """Frames of each sequence (``S005_001``) in their order."""
    found: dict[str, list[tuple[int, PurePosixPath]]] = {}
    for path in tree.images(folder):
        match = _FRAME.fullmatch(path.stem)
        if match is None:
            tree.bad.add(path.as_posix(), "its name is not SUBJECT_SEQUENCE_FRAME, as S005_001_00000011.png")
        else:
            found.setdefault(f"{match[1]}_{match[2]}".upper(), []).append((int(match[3]), path))
    return {sequence: [path for _, path in sorted(frames)] for sequence, frames in found.items()}


def _emotion_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Sequence and file, sorted; other files are no emotions."""
    for file in sorted(folder.rglob("*")):
        match = _EMOTION.fullmatch(file.name)
        if match is not None and file.is_file():
            yield f"{match[1]}_{match[2]}".upper(), file


def _row(sequence: str, path: PurePosixPath, word: str, frame: str) -> dict[str, str]:
    return {
        "id": path.as_posix(),
        "path": path.as_posix(),
        "subject": sequence.partition("_")[0],
        "expression": word,
        "sequence": sequence,
        "frame": frame,
    }
