"""What data is called wherever a number of it is shown."""

from __future__ import annotations


def data_words(name: str, mask: str | None = None, *, synthetic: bool) -> str:
    """The dataset and the mask drawn on it; says "synthetic" where it shows no real person."""
    if synthetic:
        name = "synthetic faces" if name == "synthetic" else f"{name} (synthetic faces)"
    return f"{name} with {mask} masks" if mask else name
