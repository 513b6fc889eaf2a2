"""Small sets that have one fault each, or none."""

import numpy as np
import pandas as pd
import pytest

from msde_toolkit.data.audit import Material, audit
from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Dataset
from msde_toolkit.types import Manifest


class Shown(Dataset):
    """Images by sample id; a text instead of one is why it cannot be read."""

    def __init__(self, images, regions=None):
        self.images = images
        self.regions = regions or {}

    def read(self, rows):
        for sample in rows.ids:
            if isinstance(self.images[sample], str):
                raise DataError(self.images[sample])
        return [self.images[sample] for sample in rows.ids]

    def mask_regions(self, rows):
        return [self.regions.get(sample) for sample in rows.ids]


def picture(seed, size=24):
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


@pytest.fixture
def material():
    """``material(images=None, regions=None, run=None, **columns)``: samples i000, i001, ... with these columns."""

    def make(images=None, regions=None, run=None, **columns):
        n = len(next(iter(columns.values())))
        ids = [f"i{row:03d}" for row in range(n)]
        frame = pd.DataFrame({"id": ids, "label": [0] * n} | columns)
        manifest = Manifest.from_frame(frame, "drawn")
        if images is None:
            return Material(manifest, None, run)
        by_id = dict(zip(ids, images, strict=True))
        return Material(manifest, Shown(by_id, dict(zip(ids, regions or [None] * n, strict=True))), run)

    return make


@pytest.fixture
def found():
    """``found(material)``: finding by check."""

    def look(material):
        return {finding.check: finding for finding in audit(material).findings}

    return look


@pytest.fixture
def show():
    """``show(seed, size=24)``: a picture of noise, uint8 ``[size, size, 3]``."""
    return picture
