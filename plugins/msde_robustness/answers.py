"""Held-out answers with their probabilities, all fold models and repeats pooled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from msde_toolkit.held_out import Units, predictions_of, units
from msde_toolkit.interfaces import RunView

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """Answers of one run in one condition.

    Attributes:
        condition: "nm", "m" or another word.
        ids: ``[n]`` samples; one that several models answered stands several times.
        labels: ``[n]``.
        probabilities: ``[n, C]`` softmax of the logits.
        units: what intervals resample.
    """

    condition: str
    ids: npt.NDArray[np.object_]
    labels: npt.NDArray[np.int64]
    probabilities: Values
    units: Units

    @property
    def confidence(self) -> Values:
        """``[n]`` probability of the class that is answered."""
        return np.asarray(self.probabilities.max(axis=1), dtype=np.float64)

    @property
    def right(self) -> Values:
        """``[n]`` 1 where the answer is the label, else 0."""
        return np.asarray(self.probabilities.argmax(axis=1) == self.labels, dtype=np.float64)

    @property
    def images(self) -> int:
        """Different samples."""
        return len(set(self.ids))

    @property
    def graded(self) -> bool:
        """Whether answers differ in confidence; those of a script that names classes only do not."""
        return bool(np.ptp(self.confidence) > 1e-6)


def softmax(logits: npt.ArrayLike) -> Values:
    """``[n, C]`` logits to probabilities."""
    from scipy.special import softmax as normalised

    return np.asarray(normalised(np.asarray(logits, dtype=np.float64), axis=1), dtype=np.float64)


def answers_of(run: RunView) -> list[Answers]:
    """Of each condition, unmasked first.

    Raises:
        InputError: if the run has no held-out predictions.
    """
    rows = predictions_of(run)
    found = []
    for word in run.manifest.conditions:
        part = rows[rows["condition"] == word]
        if len(part):
            found.append(
                Answers(
                    word,
                    part["id"].to_numpy(dtype=object),
                    part["label"].to_numpy(dtype=np.int64),
                    softmax(np.stack(list(part["logits"]))),
                    units(run, part),
                )
            )
    return found
