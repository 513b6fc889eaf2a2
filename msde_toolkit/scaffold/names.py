"""From the name that users will type to the names of distribution, package and class."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec

from msde_toolkit.errors import InputError
from msde_toolkit.options import nearest
from msde_toolkit.registry import KINDS, find

GROUPS = {**{word: f"msde.{plural}" for plural, (word, _) in KINDS.items()}, "listener": "msde.hooks"}
"""Kind to entry-point group. The listeners' is ``hooks.GROUP``, which would import torch for a word."""
LONGEST = 30
RESERVED = ("toolkit", "plugin", *GROUPS)
"""Names that would read as the toolkit itself, or as a kind."""


@dataclass(frozen=True)
class Names:
    """What a new plugin is called where.

    Attributes:
        kind: ``model``, ``loss``, ``analysis``, ``dataset``, ``masker``, ``landmarker`` or ``listener``.
        name: what users type: small letters, digits, single hyphens.
    """

    kind: str
    name: str

    @property
    def group(self) -> str:
        """Entry-point group."""
        return GROUPS[self.kind]

    @property
    def distribution(self) -> str:
        """What pip installs."""
        return f"msde-{self.name}"

    @property
    def package(self) -> str:
        """What Python imports."""
        return self.distribution.replace("-", "_")

    @property
    def cls(self) -> str:
        """The class, which ends in its kind, so that it cannot have the name of what it is derived from."""
        camel = "".join(word.capitalize() for word in self.name.split("-"))
        kind = self.kind.capitalize()
        return camel if camel.endswith(kind) else camel + kind


def checked_names(kind: str, name: str) -> Names:
    """The names of a new plugin.

    Raises:
        InputError: unknown kind; a name that cannot be an entry point's and a package's; one that is taken here.
    """
    if kind not in GROUPS:
        message = f"{kind}: no kind of plugin. {nearest(kind, list(GROUPS))}"
        raise InputError(message)
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        proposed = re.sub(r"[^a-z0-9]+", "-", name.lower().removeprefix("msde")).strip("-0123456789")
        hint = f" For instance: {proposed}" if proposed else ""
        message = f"{name!r} cannot be a plugin's name: small letters, digits and single hyphens, a letter first.{hint}"
        raise InputError(message)
    if len(name) > LONGEST:
        message = f"{name}: {len(name)} letters; a name is typed often, keep it within {LONGEST}."
        raise InputError(message)
    names = Names(kind, name)
    if name in RESERVED or name.startswith("msde-"):
        message = f"{name}: reserved; the package would be {names.distribution}. Take the method's name."
        raise InputError(message)
    _check_free(names)
    return names


def _check_free(names: Names) -> None:
    for info in find(names.group, names.kind):
        if info.name == names.name:
            message = (
                f"{info.distribution} {info.version} has a {names.kind} {names.name!r} already, and a name claimed "
                "twice can be used by nobody. Take another."
            )
            raise InputError(message)
    if find_spec(names.package) is not None:
        message = f"A package {names.package} is installed already. Take another name than {names.name!r}."
        raise InputError(message)
