"""A run whose answers are given, for known results."""

from dataclasses import dataclass, field

import numpy as np
from in_memory_run import InMemoryRun, paired_manifest, tiny_run


@dataclass
class GivenAnswers:
    """A run in memory with the predictions of a table."""

    run: InMemoryRun
    predictions: object = field(repr=False)

    def __getattr__(self, name):
        return getattr(self.run, name)


def saying(manifest, probabilities, **changes):
    """A run of one fold whose answers have these probabilities ``[n, C]``, in the manifest's order."""
    run = tiny_run(manifest, folds=1, **changes)
    logits = np.log(np.maximum(probabilities, 1e-30))
    frame = run.predictions.assign(logits=list(logits), predicted=np.argmax(logits, axis=1))
    return GivenAnswers(run, frame)


def sure_of(answers, confidence=0.9):
    """``[n, 7]`` probabilities of these answers."""
    found = np.full((len(answers), 7), (1 - confidence) / 6)
    found[np.arange(len(answers)), answers] = confidence
    return found


def manifest_of(labels, subjects=10):
    """Unmasked images of these labels, of people in turn."""
    return paired_manifest(len(labels), subjects, conditions=("nm",), labels=list(labels))
