"""Who a dataset's samples show."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from msde_toolkit.types import Manifest

FACES = "-faces"
"""How the name of a set of faces, cut from photos, differs from the name of the photos' set."""
MASKED = "masked-"
"""How the name of a masked twin differs from the name of the set that was masked."""


def rows_of_subject(manifest: Manifest, subject: str) -> npt.NDArray[np.bool_]:
    """``[n]`` whether the sample is of the subject, or the other image of a pair with theirs.

    Where subjects are unknown, ``pair:PAIR`` and ``id:SAMPLE`` are somebody too, as in ``Manifest.groups``.
    """
    return np.asarray(manifest.groups() == subject, dtype=bool)


def subjects_of(manifest: Manifest) -> set[str]:
    """All subjects, those too of whom not one sample could be used."""
    lost = {sample.subject for sample in manifest.left_out}
    return {str(name) for name in (set(manifest.frame["subject"].dropna()) | lost) if name is not None}


def same_people(one: str, other: str) -> bool:
    """Whether two names are of sets of the same people: one is made of the other's images, or both are of a third's."""
    first, second = (name.removeprefix(MASKED).removesuffix(FACES) for name in (one, other))
    return first == second
