"""A distribution for the tests of reports: faces to be shown or not, hostile words, an analysis with views."""

import os
import sys
from contextlib import contextmanager

from installed import install
from tiny_plugins import tiny_plugins

HOSTILE = """</script><script>alert(1)</script><img src=x onerror=alert(2)>"'&{{ 7*7 }}"""
MODULE = "reported_plugins_for_tests"
SOURCE = (
    f"""
HOSTILE = {HOSTILE!r}
"""
    + '''
import numpy as np
import pandas as pd

from msde_toolkit.interfaces import Analysis, Dataset, DatasetOptions
from msde_toolkit.randomness import generator
from msde_toolkit.types import AnalysisResult, Gallery, Manifest, Scatter, Section


class Faces(Dataset):
    """Pairs of noise; drawn ones with hostile names, or people of whom the first ``agreed`` may be shown."""

    class Options(DatasetOptions):
        agreed: int = -1

    def load(self, root, options):
        drawn = options.agreed < 0
        rows = [
            {
                "id": f"s{subject}-{label}-{condition}{HOSTILE if drawn else ''}",
                "subject": f"s{subject}",
                "pair": f"s{subject}-{label}",
                "label": label,
                "condition": condition,
                "consent": "publish" if subject < options.agreed else "local",
            }
            for subject in range(6)
            for label in range(3)
            for condition in ("nm", "m")
        ]
        classes = (HOSTILE, 'say "sad"', "glad") if drawn else ("angry", "sad", "glad")
        name = f"set {HOSTILE}" if drawn else "people"
        return Manifest.from_frame(pd.DataFrame(rows), name, classes=classes, synthetic=drawn)

    def read(self, rows):
        return [generator("face", sample).integers(0, 255, (20, 20, 3)).astype(np.uint8) for sample in rows.ids]


class Views(Analysis):
    """A gallery with maps, a map of points, a table and a figure that shows faces."""

    def run(self, context):
        from matplotlib.figure import Figure

        (run,) = context.runs
        table = run.predictions[["id", "condition"]].assign(
            run=run.name,
            x=lambda t: np.arange(len(t)),
            y=lambda t: generator("y").random(len(t)),
            label=[run.classes[k] for k in run.predictions["label"]],
            predicted=[run.classes[k] for k in run.predictions["predicted"]],
        )
        ids = [*run.manifest.ids[:4], *run.manifest.ids[-2:]]
        figure = Figure(figsize=(1, 1))
        figure.subplots().imshow(run.images(ids[:1])[0])
        word = HOSTILE if run.synthetic else "plain"
        return AnalysisResult(
            summary={},
            tables={"points": table},
            figures={"faces": figure},
            arrays={"maps": {"ids": np.array(ids), "maps": generator("maps").random((len(ids), 7, 7))}},
            sections=[Section("What was seen", f"Nothing: {word}")],
            views=[
                Gallery("Pairs", run.name, [ids[:2], ids[2:4], ids[4:]], {i: f"{word} of {i}" for i in ids}, "maps"),
                Scatter(
                    "Points", run.name, "points", "x", "y", "label", "condition", ("label", "predicted"), note=word
                ),
            ],
            faces={"faces": ids[:1]},
        )
'''
)
ENTRY_POINTS = {
    "msde.datasets": {"faces-to-report": f"{MODULE}:Faces"},
    "msde.analyses": {"views": f"{MODULE}:Views"},
}


@contextmanager
def reported_plugins(folder):
    """This distribution beside the tiny one, installed in ``folder``."""
    site = folder / "more-site-packages"
    site.mkdir()
    install(site, "msde-reported", "1.0", ENTRY_POINTS, **{MODULE: SOURCE})
    with tiny_plugins(folder):
        os.environ["MSDE_PLUGINS"] += ",msde-reported"  # the tiny plugins put back what was there before
        sys.path.insert(0, str(site))
        try:
            yield
        finally:
            sys.path.remove(str(site))
            sys.modules.pop(MODULE, None)
