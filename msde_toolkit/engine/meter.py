"""The effective-loss meter: what each term of a loss moves, so that a term which does nothing is seen.

A term's value says little: the feature distance of the paper's Eq. 3, taken on unit maps, adds a thousandth of the loss
and next to nothing to the gradient. So the norm of each term's own gradient on the backbone is measured as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from msde_toolkit.interfaces import Model


class Meter:
    """Measures gradients at a few steps of an epoch, evenly spread.

    Args:
        model: whose backbone is measured (its head, where the backbone is frozen).
        steps: how many steps to measure.
        planned: steps an epoch has.
    """

    def __init__(self, model: Model, steps: int, planned: int) -> None:
        groups = model.parameter_groups()
        self._parameters: Sequence[nn.Parameter] = groups.get("backbone") or groups.get("head") or []
        wanted = min(steps, planned)
        self._measured = {(2 * number + 1) * planned // (2 * wanted) for number in range(wanted)}
        self._squares: dict[str, list[Tensor]] = defaultdict(list)
        self._step = -1

    def measure(self, terms: Mapping[str, Tensor]) -> None:
        """To be called at every step, before its backward pass; changes no gradient that is accumulated."""
        self._step += 1
        if self._step not in self._measured or not self._parameters:
            return
        for name, term in terms.items():
            self._squares[name].append(self._square(term))

    def _square(self, term: Tensor) -> Tensor:
        if not term.requires_grad:
            return torch.zeros((), device=term.device)
        found = torch.autograd.grad(term, self._parameters, retain_graph=True, allow_unused=True)
        parts = [gradient.float().square().sum() for gradient in found if gradient is not None]
        return torch.stack(parts).sum() if parts else torch.zeros((), device=term.device)

    def norms(self) -> dict[str, float]:
        """Root mean square, over the measured steps, of each term's gradient norm; empty if nothing was measured."""
        return {name: float(torch.stack(squares).mean().sqrt()) for name, squares in self._squares.items()}
