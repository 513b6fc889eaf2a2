"""``msde data realism``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    from msde_toolkit.data.masks.realism import Auc, Realism, Size

EXAMPLE = (
    "Example: msde data realism masked-raf --photos msde --photos-root MSD   |   "
    "msde data realism masked-twin --photos synthetic"
)


def realism(
    twin: Annotated[str, typer.Argument(help="Masks that were drawn: what 'msde data mask' wrote, or a dataset.")],
    photos: Annotated[str, typer.Option(help="Masks that were worn: a dataset or manifest with condition m.")],
    root: Annotated[Path | None, typer.Option(help="Where the drawn set is.")] = None,
    photos_root: Annotated[Path | None, typer.Option(help="Where the photos are.")] = None,
    json: Json = False,
) -> None:
    """Compare masks that were drawn with masks that were worn: can a classifier tell them, are they as large?"""
    from dataclasses import asdict

    from msde_toolkit.cli.console import print_json
    from msde_toolkit.cli.counting import counting
    from msde_toolkit.data.masks.open_set import open_set
    from msde_toolkit.data.masks.realism import realism as look

    drawn, worn = open_set(twin, root, {}, None), open_set(photos, photos_root, {}, None)
    with counting("Looking at masks") as progress:
        found = look(drawn, worn, progress)
    names = (drawn.manifest, worn.manifest)
    if json:
        synthetic = {"twin_synthetic": names[0].synthetic, "photos_synthetic": names[1].synthetic}
        print_json({"twin": names[0].name, "photos": names[1].name, **synthetic, **asdict(found)})
        return
    _show(found, *(f"{one.name}{' (synthetic faces)' if one.synthetic else ''}" for one in names))


def _show(found: Realism, twin: str, photos: str) -> None:
    from msde_toolkit.cli.console import out

    lines = [
        f"{found.drawn:,} masks drawn ({twin}) against {found.worn:,} worn ({photos})",
        f"told apart by the lower half of the face: AUC {_auc(found.lower)} (.50: not at all)",
        f"by the upper third, where no mask is:      AUC {_auc(found.upper)}: so much the photos tell, not the masks",
    ]
    if found.area is None or found.height is None:
        lines.append("how large worn masks are is not known (the photos have no mask_path)")
    else:
        lines += [f"area:   {_size(found.area)} of the picture", f"height: {_size(found.height)} of the picture"]
    lines.append("n counts images, people stay in one fold; intervals 95 %, resampling people")
    for line in lines:
        out().print(f"  {line}", soft_wrap=True)


def _auc(auc: Auc) -> str:
    interval = "" if auc.low is None or auc.high is None else f" [{auc.low:.2f}, {auc.high:.2f}]"
    return f"{auc.value:.2f}{interval}"


def _size(size: Size) -> str:
    return ", ".join(
        f"{word} {100 * middle:.0f} % (half of them {100 * low:.0f} to {100 * high:.0f})"
        for word, (low, middle, high) in (("drawn", size.drawn), ("worn", size.worn))
    )
