"""RAN's attention over the regions of a face, and the loss that keeps the best crop ahead of the whole face."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Variant = Literal["paper", "code"]


class Attended(NamedTuple):
    """What attention makes of R regions: ``mu`` and ``nu`` ``[B, R]``, ``fused`` ``[B, 2F]``."""

    mu: Tensor
    nu: Tensor
    fused: Tensor


class RegionAttention(nn.Module):
    """Self-attention, then relation-attention, as in the paper's equations or as in the authors' code.

    Self-attention weighs each region by itself, mu_i = sigmoid(alpha . f_i), and makes of all of them one view of the
    face, f_m = sum mu_i f_i / sum mu_i. Relation-attention weighs each region beside that view,
    nu_i = sigmoid(beta . [f_i : f_m]), and fuses: sum mu_i nu_i [f_i : f_m] / sum mu_i nu_i. The authors' code also
    puts a softmax over the regions on either sigmoid. ``alpha`` and ``beta`` have a bias, as in the code.
    """

    def __init__(self, features: int, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        self.alpha = nn.Linear(features, 1)
        self.beta = nn.Linear(2 * features, 1)

    def forward(self, features: Tensor) -> Attended:
        """``[B, R, F]`` features of the regions to their weights and the fused face, in the features' precision."""
        # Also under autocast: the region-biased loss compares weights that differ by less than bf16 can tell.
        with torch.autocast(features.device.type, enabled=False):
            mu = self._log_weights(self.alpha(features))
            view = _mean(features, mu).unsqueeze(1).expand_as(features)
            related = torch.cat([features, view], dim=2)
            nu = self._log_weights(self.beta(related))
            return Attended(mu.exp(), nu.exp(), _mean(related, mu + nu))

    def _log_weights(self, scores: Tensor) -> Tensor:
        scores = scores.squeeze(2)
        return F.log_softmax(scores.sigmoid(), dim=1) if self.variant == "code" else F.logsigmoid(scores)


def region_biased_loss(mu: Tensor, margin: float) -> Tensor:
    """How far, on average, the best crop is from leading the whole face by ``margin``.

    Args:
        mu: ``[B, R]`` self-attention weights, the whole face last.
        margin: 0 or more.

    Returns:
        scalar: batch mean of max(0, margin - (max over crops of mu - mu of the whole face)).
    """
    lead = mu[:, :-1].amax(dim=1) - mu[:, -1]
    return torch.relu(margin - lead).mean()


def _mean(vectors: Tensor, log_weights: Tensor) -> Tensor:
    """``[B, R, F]`` and the logarithms of weights ``[B, R]`` to the weighted mean over regions ``[B, F]``."""
    # Of logarithms, because products of two sigmoids can all be zero in single precision, and 0 / 0 is no mean.
    shares = torch.softmax(log_weights, dim=1)
    return (shares.unsqueeze(2) * vectors).sum(dim=1)
