"""The words that sets, folders and tables use for an expression, and the class that each means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msde_toolkit.types import LABEL_SETS, NM, M

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "surprise": ("surprised", "surprising", "su", "sur"),
    "fear": ("fearful", "afraid", "scared", "fe", "fea"),
    "disgust": ("disgusted", "disgusting", "di", "dis"),
    "happy": ("happiness", "joy", "joyful", "smile", "ha", "hap"),
    "sad": ("sadness", "sa"),
    "angry": ("anger", "an", "ang"),
    "neutral": ("neutrality", "neutral face", "neural", "ne", "neu"),
    "contempt": ("contemptuous",),
    "positive": ("pos",),
    "negative": ("neg",),
}
"""Class to other words for it. ``neural`` is how FED-RO and LFW-FER write neutral, two letters are JAFFE's codes."""

MASK_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("nm", "unmasked", "nonmasked", "non masked", "no mask", "without mask", "nomask"), NM),
    **dict.fromkeys(("m", "masked", "mask", "with mask"), M),
}
"""What a folder or a name says of the mask, and the condition that it means."""

SPLIT_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("train", "training", "train set"), "train"),
    **dict.fromkeys(("test", "testing", "test set", "eval", "privatetest"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "val set", "dev", "publictest"), "validation"),
}
"""What a folder says of the split."""

_CLASS_OF = {word: name for name, others in SYNONYMS.items() for word in (name, *others)}
_NUMBERED = re.compile(r"^\d+[\s._-]*(?=\D)")


def expression(word: str) -> str | None:
    """The class that a word means: any case, a number before it (``0_angry``, ``3. Happiness``) left aside.

    Returns:
        One of the toolkit's class names; None for a word that is none.
    """
    return _CLASS_OF.get(plain(_NUMBERED.sub("", word.strip())))


def plain(word: str) -> str:
    """In small letters, one space for each run of spaces, hyphens and underlines."""
    return re.sub(r"[\s_-]+", " ", word).strip().lower()


def label_set(words: Iterable[str]) -> tuple[str, ...] | None:
    """The first of ``LABEL_SETS`` that has all these classes: seven, else eight, else three; None if none has."""
    present = set(words)
    return next((names for names in LABEL_SETS.values() if present <= set(names)), None)
