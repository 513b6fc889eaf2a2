"""Which templates there are: TOML files in the packages of the entry-point group ``msde.mask_templates``."""

from __future__ import annotations

import os
from collections import defaultdict
from difflib import get_close_matches
from pathlib import Path

from msde_toolkit.data_packages import data_packages
from msde_toolkit.errors import InputError

GROUP = "msde.mask_templates"
ANY = "any"
ENDING = ".toml"


def template_files(name: str) -> list[Path]:
    """The files that a name stands for, sorted by name.

    Args:
        name: of a template (``n95-white``); or how the names of several begin (``n95``: all that begin with ``n95-``);
            or ``any``; or the path of a template's file, which has a separator in it (``./mine.toml``).

    Raises:
        InputError: no such template (with close names and the list) or file, or several distributions have one of
            this name.
        PluginError: a broken entry point of the group.
    """
    if os.sep in name or "/" in name:
        return [_file(Path(name))]
    offers = _offers()
    names = [known for known in sorted(offers) if name in (ANY, known) or known.startswith(f"{name}-")]
    if name in offers:
        names = [name]
    if not names:
        raise InputError(_unknown(name, sorted(offers)))
    return [_only(known, offers[known]) for known in names]


def _offers() -> dict[str, list[tuple[str, Path]]]:
    """Name to distributions and files."""
    offers: dict[str, list[tuple[str, Path]]] = defaultdict(list)
    for package in data_packages(GROUP):
        for file in sorted(package.folder.glob(f"*{ENDING}")):
            offers[file.stem].append((package.distribution, file))
    return offers


def _only(name: str, claims: list[tuple[str, Path]]) -> Path:
    if len(claims) > 1:
        who = " and ".join(distribution for distribution, _ in claims)
        message = f"The mask template {name!r} is claimed by {who}.\nName the file instead: template:{claims[0][1]}"
        raise InputError(message)
    return claims[0][1]


def _file(path: Path) -> Path:
    if path.suffix != ENDING or not path.is_file():
        message = f"template:{path}: no such template file; it is a {ENDING} file, see docs/masks.md."
        raise InputError(message)
    return path


def _unknown(name: str, known: list[str]) -> str:
    families = sorted({other.split("-")[0] for other in known})
    close = get_close_matches(name, [*known, *families], n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]}? " if close else ""
    here = f" A file of this name is here: write ./{name}" if Path(name).is_file() else ""
    return f"Unknown mask template {name!r}. {hint}Available: {', '.join([ANY, *known])}.{here}"
