"""A sheet of sample faces: ``python -m msde_synthetic.contact_sheet OUT.png``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from msde_synthetic.facs import CLASSES
from msde_synthetic.plan import SampleSpec, samples
from msde_synthetic.render import render

MARGIN = 22


def contact_sheet(seed: int = 0, *, rows: int = 3, size: int = 112, first: int = 30) -> Image.Image:
    """Return a sheet: a column per expression, for each of ``rows`` subjects the non-masked above the masked images.

    Args:
        seed: Seed of the data set.
        rows: How many subjects.
        size: Pixels of each face.
        first: Subjects are looked for from this number on; those who show all seven expressions in pairs are taken.
    """
    people: dict[int, dict[tuple[int, str], SampleSpec]] = {}
    for spec in samples(seed):
        if spec.pair is not None and spec.label is not None and spec.subject >= first:
            people.setdefault(spec.subject, {})[spec.label, spec.condition] = spec
    chosen = sorted(people.values(), key=lambda mine: -len(mine))[:rows]
    sheet = Image.new("RGB", (MARGIN + 7 * size, MARGIN + 2 * rows * size), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for label, name in enumerate(CLASSES):
        pen.text((MARGIN + label * size + size // 2, MARGIN // 2), f"{name} (synthetic)", "black", font, "mm")
    for row, mine in enumerate(chosen):
        for line, condition in enumerate(("nm", "m")):
            top = MARGIN + (2 * row + line) * size
            pen.text((MARGIN // 2, top + size // 2), condition.upper(), "black", font, "mm")
            for label in range(len(CLASSES)):
                if (label, condition) in mine:
                    picture = render(mine[label, condition], seed=seed, size=size).image
                    sheet.paste(Image.fromarray(picture), (MARGIN + label * size, top))
    return sheet


def main(arguments: list[str]) -> int:
    """Write the sheet to the path given; return an exit code."""
    if len(arguments) != 1:
        print("usage: python -m msde_synthetic.contact_sheet OUT.png", file=sys.stderr)
        return 2
    sheet = contact_sheet()
    # 8 bits a pixel with a palette keeps the file small enough for a repository.
    small = sheet.quantize(128, dither=Image.Dither.NONE)
    small.save(Path(arguments[0]), optimize=True)
    print(f"{arguments[0]}: {np.prod(sheet.size)} pixels", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
