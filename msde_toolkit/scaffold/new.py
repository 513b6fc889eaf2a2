"""Write a new plugin package from the templates beside this file."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msde_toolkit import __version__
from msde_toolkit.errors import InputError
from msde_toolkit.files import written_to
from msde_toolkit.scaffold.names import Names, checked_names

TEMPLATES = Path(__file__).parent / "templates"
SUFFIX = ".jinja"
PACKAGE = "PACKAGE"
"""In a template's path, where the package's name goes."""


@dataclass(frozen=True)
class NewPlugin:
    """What was written.

    Attributes:
        kind: of the plugin.
        directory: the package's folder.
        files: in it, relative.
    """

    kind: str
    directory: Path
    files: tuple[str, ...]


def new_plugin(kind: str, name: str, out: Path | None = None) -> NewPlugin:
    """Write the distribution ``msde-NAME`` with one plugin that works as it stands, and a test of it.

    Args:
        kind: ``model``, ``loss``, ``analysis``, ``dataset``, ``masker``, ``landmarker`` or
            ``listener``.
        name: what users will type.
        out: a folder, new or empty; by default ``msde-NAME`` here.

    Raises:
        InputError: unknown kind, a name that cannot be used or is taken, a folder that is not empty.
    """
    names = checked_names(kind, name)
    folder = Path(names.distribution) if out is None else out
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = f"--out {folder}: exists and is not empty; nothing is overwritten. Give another folder."
        raise InputError(message)
    rendered = dict(_rendered(names))
    with written_to(folder):
        for file, text in rendered.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8", newline="\n")
    return NewPlugin(names.kind, folder, tuple(sorted(rendered)))


def _rendered(names: Names) -> Iterator[tuple[str, str]]:
    """Every file's relative path and text: what all kinds share, then the kind's own."""
    from jinja2 import Environment, StrictUndefined

    # Source code, no HTML: nothing is to be escaped.
    templates = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701
    values = _values(names)
    for base in (TEMPLATES / "common", TEMPLATES / names.kind):
        for template in sorted(base.rglob(f"*{SUFFIX}")):
            place = template.relative_to(base).as_posix().removesuffix(SUFFIX).replace(PACKAGE, names.package)
            text = templates.from_string(template.read_text(encoding="utf-8")).render(values)
            yield place, text


def _values(names: Names) -> dict[str, Any]:
    major, minor = (int(part) for part in __version__.split(".")[:2])
    return {
        "kind": names.kind,
        "name": names.name,
        "distribution": names.distribution,
        "package": names.package,
        "group": names.group,
        "cls": names.cls,
        "since": f"{major}.{minor}",
        # Before 1.0 a minor version may change the contract, afterwards only a major one.
        "below": f"{major}.{minor + 1}" if major == 0 else f"{major + 1}",
        "year": datetime.datetime.now(tz=datetime.UTC).year,
    }
