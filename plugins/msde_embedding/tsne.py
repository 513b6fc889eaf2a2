"""The analysis ``tsne``: t-SNE maps of held-out features (paper, Fig. 5)."""

from __future__ import annotations

import importlib.util
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from msde_embedding.embedding import Embedding, MapOptions
from msde_embedding.features import Features
from msde_toolkit.errors import InputError


class TSne(Embedding):
    """Maps by t-SNE: what lies close together was close; distances between clusters mean nothing."""

    summary = "t-SNE maps of held-out features, joint and by condition, with their numbers"
    reference = "van der Maaten and Hinton 2008 (JMLR); MSD-E paper, Fig. 5"
    licence = "Apache-2.0"
    method = "t-SNE"
    in_report = True

    class Options(MapOptions):
        """Options of the maps."""

        perplexity: float = Field(30.0, ge=1, le=500, description="Neighbours that count; at most a third of n.")
        library: Literal["auto", "opentsne", "sklearn"] = Field(
            "auto", description="What makes the map; auto: openTSNE where it is installed, else scikit-learn."
        )

    def layout(self, features: Features, seed: int) -> tuple[npt.NDArray[np.float64], dict[str, Any]]:
        """A map of one set of samples, the same for the same seed, versions and machine.

        Raises:
            InputError: if openTSNE is asked for and not installed.
        """
        perplexity = max(1.0, min(self.options.perplexity, (len(features) - 1) / 3))
        library = self._library()
        if library == "opentsne":
            from openTSNE import TSNE

            made = TSNE(
                perplexity=perplexity, initialization="pca", random_state=seed, n_jobs=1, negative_gradient_method="bh"
            )
            places = np.asarray(made.fit(features), dtype=np.float64)
        else:
            from sklearn.manifold import TSNE

            made = TSNE(perplexity=perplexity, init="pca", random_state=seed, n_jobs=1)
            places = np.asarray(made.fit_transform(features), dtype=np.float64)
        name = "openTSNE" if library == "opentsne" else "scikit-learn"
        return places, {"library": name, "perplexity": round(perplexity, 2)}

    def _library(self) -> str:
        installed = importlib.util.find_spec("openTSNE") is not None
        if self.options.library == "opentsne" and not installed:
            message = "analysis.library = opentsne: openTSNE is not installed: pip install 'msde-toolkit[opentsne]'."
            raise InputError(message)
        if self.options.library == "auto":
            return "opentsne" if installed else "sklearn"
        return str(self.options.library)
