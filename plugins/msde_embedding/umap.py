"""The analysis ``umap``: UMAP maps of held-out features."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from msde_embedding.embedding import Embedding, MapOptions
from msde_embedding.features import Features


class Umap(Embedding):
    """Maps by UMAP, which keeps more of the coarse arrangement than t-SNE and packs clusters tighter."""

    summary = "UMAP maps of held-out features, joint and by condition, with their numbers"
    reference = "McInnes, Healy and Melville 2018 (arXiv 1802.03426); computed with umap-learn"
    licence = "Apache-2.0"
    method = "UMAP"

    class Options(MapOptions):
        """Options of the maps."""

        n_neighbors: int = Field(15, ge=2, le=200, description="Neighbours that a place is made from; fewer than n.")
        min_dist: float = Field(0.1, ge=0, lt=1, description="How tightly points may be packed.")

    def layout(self, features: Features, seed: int) -> tuple[npt.NDArray[np.float64], dict[str, Any]]:
        """A map of one set of samples, the same for the same seed, versions and machine."""
        if "umap" not in sys.modules:
            print("Loading umap; its first use compiles for about 15 seconds.", file=sys.stderr, flush=True)
        from umap import UMAP

        neighbours = min(self.options.n_neighbors, len(features) - 1)
        made = UMAP(n_neighbors=neighbours, min_dist=self.options.min_dist, random_state=seed, n_jobs=1)
        places = np.asarray(made.fit_transform(features), dtype=np.float64)
        return places, {"library": "umap-learn", "n_neighbors": neighbours, "min_dist": self.options.min_dist}
