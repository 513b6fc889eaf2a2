"""Masked twins: any set of unmasked faces, each with a registered masked copy that others can make again."""

from msde_toolkit.data.masks.placing import Placing, place
from msde_toolkit.data.masks.twin import Twin, make_twin

__all__ = ["Placing", "Twin", "make_twin", "place"]
