"""The expression classes, in the one order used everywhere (RAF-DB's order minus one)."""

from __future__ import annotations

CLASSES: tuple[str, ...] = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
"""Labels 0 to 6."""

NM = "nm"
"""Condition: no mask (also where the condition is unknown)."""

M = "m"
"""Condition: masked."""
