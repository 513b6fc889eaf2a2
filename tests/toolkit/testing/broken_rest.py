"""Datasets, maskers, analyses and listeners that each break one promise."""

import random

import numpy as np
import pandas as pd

from msde_toolkit import figures
from msde_toolkit.interfaces import Analysis, Dataset, Masker, hookimpl
from msde_toolkit.randomness import generator
from msde_toolkit.types import CLASSES, AnalysisResult, InputError, Manifest


class SoundSet(Dataset):
    summary = "Noise, drawn by each sample's id"
    reference = "Own work"
    licence = "CC0-1.0"
    synthetic = True
    root_hint = ""

    def load(self, root, options):
        rows = [{"id": f"s{row}", "label": row % 7} for row in range(14)]
        return Manifest.from_frame(pd.DataFrame(rows), "noise", licence="CC0-1.0", synthetic=True)

    def read(self, rows):
        return [generator(sample).integers(0, 256, (12, 10, 3), dtype=np.uint8) for sample in rows.ids]


class AnotherTableEachTime(SoundSet):
    def load(self, root, options):
        rows = [{"id": f"s{row}", "label": random.randrange(7)} for row in range(50)]
        return Manifest.from_frame(pd.DataFrame(rows), "noise", licence="CC0-1.0", synthetic=True)


class FloatImages(SoundSet):
    def read(self, rows):
        return [image / 255 for image in super().read(rows)]


class CarriesItsGenerator(SoundSet):
    def __init__(self):
        self.drawn = np.random.default_rng(0)

    def read(self, rows):
        return [self.drawn.integers(0, 256, (12, 10, 3), dtype=np.uint8) for _ in rows.ids]


class RegionsOfAnotherSize(SoundSet):
    def mask_regions(self, rows):
        return [np.zeros((10, 12), np.uint8) for _ in rows.ids]


class ClassesInAnotherOrder(SoundSet):
    classes = CLASSES[::-1]

    def load(self, root, options):
        frame = super().load(root, options).frame
        return Manifest.from_frame(frame, "noise", classes=self.classes, licence="CC0-1.0", synthetic=True)


class NotSaidToBeSynthetic(SoundSet):
    def load(self, root, options):
        return Manifest.from_frame(super().load(root, options).frame, "noise", licence="CC0-1.0")


class OfNoLicence(SoundSet):
    def load(self, root, options):
        return Manifest.from_frame(super().load(root, options).frame, "noise", synthetic=True)


class NewFingerprintEachTime(SoundSet):
    def fingerprint(self, rows):
        return str(random.random())


class RootNotAskedFor(SoundSet):
    root_hint = "a folder"


class SoundMask(Masker):
    summary = "The lower half, in one shade"
    reference = "Own work"
    licence = "Apache-2.0"

    def apply(self, image, landmarks, rng):
        alpha = np.zeros(image.shape[:2], np.uint8)
        alpha[max(0, int(landmarks[30, 1])) :] = 255
        masked = image.copy()
        masked[alpha > 0] = self.shade(rng)
        return masked, alpha

    def shade(self, rng):
        return rng.integers(0, 50)


class DrawsInPlace(SoundMask):
    def apply(self, image, landmarks, rng):
        masked, alpha = super().apply(image, landmarks, rng)
        image[:] = masked
        return image, alpha


class ShadowOutside(SoundMask):
    def apply(self, image, landmarks, rng):
        masked, alpha = super().apply(image, landmarks, rng)
        masked[0] //= 2
        return masked, alpha


class GlobalShade(SoundMask):
    def shade(self, rng):
        return np.random.randint(0, 50)  # noqa: NPY002


class BoolAlpha(SoundMask):
    def apply(self, image, landmarks, rng):
        masked, alpha = super().apply(image, landmarks, rng)
        return masked, alpha > 0


class DrawsNothing(SoundMask):
    def apply(self, image, landmarks, rng):
        return image.copy(), np.zeros(image.shape[:2], np.uint8)


class BreaksAtTheBorder(SoundMask):
    def apply(self, image, landmarks, rng):
        image[int(landmarks[30, 1]), int(landmarks[30, 0])]
        return super().apply(image, landmarks, rng)


class SoundLook(Analysis):
    summary = "How many predictions there are"
    reference = "Own work"
    licence = "Apache-2.0"

    def run(self, context):
        table = pd.concat([self.table(run, context) for run in context.runs])
        summary = {"n": np.int64(table["n"].sum())}
        return AnalysisResult(summary, {"counts": table}, {"counts": self.figure(context.runs, table)})

    def table(self, run, context):
        return run.predictions.groupby("condition").size().rename("n").reset_index()

    def figure(self, runs, table):
        figure = figures.new_figure(60, 60)
        axes = figure.subplots()
        axes.bar(table["condition"], table["n"])
        axes.set(xlabel="condition", ylabel="predictions")
        figures.mark_synthetic(figure)
        return figure


class SummaryOfObjects(SoundLook):
    def run(self, context):
        return AnalysisResult({"run": context.runs[0]})


class TablesOfLists(SoundLook):
    def run(self, context):
        return AnalysisResult({}, {"counts": [1, 2]})


class WithoutLabels(SoundLook):
    def figure(self, runs, table):
        figure = super().figure(runs, table)
        figure.axes[0].set_ylabel("")
        return figure


class HidesThatItIsSynthetic(SoundLook):
    def figure(self, runs, table):
        figure = super().figure(runs, table)
        for text in figure.texts:
            text.set_text("")
        return figure


class DrawsAnew(SoundLook):
    def table(self, run, context):
        return super().table(run, context).assign(draw=random.random())


class WritesIntoTheRun(SoundLook):
    def run(self, context):
        (context.runs[0].directory / "extra.txt").write_text(str(random.random()))
        return super().run(context)


class LeavesFiguresOpen(SoundLook):
    def figure(self, runs, table):
        import matplotlib

        matplotlib.use("agg")
        import matplotlib.pyplot as plt

        plt.figure()
        return super().figure(runs, table)


class NeedsPairs(SoundLook):
    """Sound: it says what it lacks."""

    def run(self, context):
        if not len(context.runs[0].manifest.pairs()):
            raise InputError("The run has no pairs: analyse one of paired data.")
        return super().run(context)


class TrustsInPairs(SoundLook):
    def run(self, context):
        context.runs[0].manifest.pairs().iloc[0]
        return super().run(context)


class Hears:
    """Sound, and it prints."""

    @hookimpl
    def msde_epoch_ended(self, event):
        print("epoch", event.epoch, event.losses.get("total"))


class HearsNothing:
    pass


class HearsWhatNobodySays:
    @hookimpl
    def msde_batch_ended(self, event):
        pass


class WantsArguments:
    def __init__(self, path):
        self.path = path


class TrustsInTheTotal:
    @hookimpl
    def msde_epoch_ended(self, event):
        float(event.losses["total"])
