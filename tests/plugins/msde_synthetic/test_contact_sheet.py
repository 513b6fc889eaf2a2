"""The contact sheet: written where asked, labelled, small enough for a repository."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from msde_synthetic.contact_sheet import main


def test_sheet_is_written(tmp_path: Path) -> None:
    target = tmp_path / "sheet.png"
    assert main([str(target)]) == 0
    assert target.stat().st_size < 300_000
    assert Image.open(target).width > 700


def test_wrong_usage_is_an_error() -> None:
    assert main([]) == 2
