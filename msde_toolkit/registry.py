"""Named plugins: one entry-point group a kind, listed without importing anything, imported when a name is used."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, EntryPoints, entry_points
from pathlib import Path, PureWindowsPath
from typing import Any

from msde_toolkit.errors import PluginError

KINDS = {
    "models": ("model", "Model"),
    "losses": ("loss", "Loss"),
    "datasets": ("dataset", "Dataset"),
    "maskers": ("masker", "Masker"),
    "landmarkers": ("landmarker", "Landmarker"),
    "analyses": ("analysis", "Analysis"),
}
"""Kinds of plugin: plural (as in ``msde list models`` and the group ``msde.models``) to singular and base class."""

OUR_DISTRIBUTION = "msde-toolkit"
OFF_SWITCH = "MSDE_PLUGINS"
STRICT = "MSDE_STRICT_PLUGINS"


@dataclass(frozen=True)
class PluginInfo:
    """A name that a distribution offers."""

    kind: str
    name: str
    distribution: str
    version: str
    target: str
    entry_point: EntryPoint

    def as_dict(self) -> dict[str, str]:
        """For JSON and for a run's provenance."""
        return {
            "name": self.name,
            "distribution": self.distribution,
            "version": self.version,
            "target": self.target,
        }


def split_name(name: str) -> tuple[str, str]:
    """``timm:resnet18d`` to ``("timm", "resnet18d")``; without a colon the second word is empty."""
    plain, _, argument = name.partition(":")
    return plain, argument


def shown_name(name: str) -> str:
    """What a plugin is called in ids and tables: as it was asked for, but a file after the colon by its name alone.

    ``template:/some/folder/mine.toml`` is ``template:mine``, on every machine.
    """
    plain, argument = split_name(name)
    return f"{plain}:{PureWindowsPath(argument).stem}" if {"/", "\\"} & set(argument) else name


def named_option(plugin: type[Any], name: str) -> dict[str, str]:
    """The option that the words after a name's colon fill; empty without a colon.

    Raises:
        PluginError: if this plugin takes no colon, or nothing stands after it.
    """
    plain, argument = split_name(name)
    if ":" not in name:
        return {}
    if not plugin.argument:
        message = f"{name}: {plain} takes nothing after a colon; its options are set with --set."
        raise PluginError(message)
    if not argument:
        message = f"{name}: nothing stands after the colon. Write {plain}:{plugin.argument.upper()}, or {plain} alone."
        raise PluginError(message)
    return {plugin.argument: argument}


def disable_third_parties() -> None:
    """What ``--no-plugins`` does: only the toolkit's own plugins are seen, here and in child processes."""
    os.environ[OFF_SWITCH] = ""


def is_enabled(distribution: str) -> bool:
    """Whether ``MSDE_PLUGINS`` (unset: all; empty: none; ``a,b``: these) lets this distribution in."""
    allowed = os.environ.get(OFF_SWITCH)
    if allowed is None or _normal(distribution) == OUR_DISTRIBUTION:
        return True
    return _normal(distribution) in {_normal(name) for name in allowed.split(",")}


def _normal(name: str) -> str:
    return name.strip().lower().replace("_", "-")


def find(group: str, kind: str) -> list[PluginInfo]:
    """All enabled entry points of a group, sorted by name, each distribution once."""
    found: dict[tuple[str, str], PluginInfo] = {}
    for point in _installed(group, _import_path()):
        distribution, version = _named(point.dist)
        if is_enabled(distribution):
            info = PluginInfo(kind, point.name, distribution, version, point.value, point)
            found.setdefault((point.name, _normal(distribution)), info)
    return sorted(found.values(), key=lambda info: (info.name, info.distribution))


@lru_cache(maxsize=32)
def _installed(group: str, path: tuple[tuple[str, int], ...]) -> EntryPoints:
    """Those on ``path``, which is ``sys.path``: one file of every installed distribution is read for them."""
    del path
    return entry_points(group=group)


@lru_cache(maxsize=256)
def _named(distribution: Distribution | None) -> tuple[str, str]:
    """Name and version, for which its whole description must be parsed."""
    if distribution is None:
        return "unknown", "unknown"
    facts = distribution.metadata
    return facts["Name"], facts["Version"]


def _import_path() -> tuple[tuple[str, int], ...]:
    """The folders of ``sys.path``, and when each was changed last, as it is when something is installed."""
    changed = []
    for folder in sys.path:
        with suppress(OSError):
            changed.append((folder, Path(folder or ".").stat().st_mtime_ns))
    return tuple(changed)


class Registry:
    """The plugins of one kind.

    Args:
        kind: plural, a key of ``KINDS``.
        plugins: to use instead of the installed ones (tests).

    Raises:
        PluginError: for an unknown kind.
    """

    def __init__(self, kind: str, plugins: Sequence[PluginInfo] | None = None) -> None:
        if kind not in KINDS:
            message = f"Unknown kind {kind!r}. Kinds: {', '.join(KINDS)}."
            raise PluginError(message)
        self.kind = kind
        self._word, _ = KINDS[kind]
        self._plugins = find(f"msde.{kind}", kind) if plugins is None else list(plugins)

    def plugins(self) -> list[PluginInfo]:
        """Everything offered, without importing it. A name claimed twice stands here twice."""
        return list(self._plugins)

    def names(self) -> list[str]:
        """The names offered, each once, sorted."""
        return sorted({info.name for info in self._plugins})

    def __contains__(self, name: str) -> bool:
        """Whether somebody offers ``name``, with or without ``@distribution`` and what follows a colon."""
        return split_name(name)[0].partition("@")[0] in self.names()

    def info(self, name: str) -> PluginInfo:
        """Who offers ``name`` (or ``name@distribution``; what follows a colon is an option and says nothing here).

        Raises:
            PluginError: unknown (with close matches and the list), or claimed by several distributions.
        """
        plain, _, distribution = split_name(name)[0].partition("@")
        claims: Mapping[str, list[PluginInfo]] = self._by_name()
        candidates = claims.get(plain, [])
        if distribution:
            candidates = [info for info in candidates if _normal(info.distribution) == _normal(distribution)]
        if len(candidates) == 1:
            return candidates[0]
        raise PluginError(self._ambiguous(plain, candidates) if candidates else self._unknown(name, claims))

    def get(self, name: str) -> type[Any]:
        """Import and return the plugin class.

        Raises:
            PluginError: as ``info``; or it cannot be imported; or it is not a subclass of the kind's base; or it takes
                no words after a colon, and is given some.
        """
        plugin = load(self.info(name))
        named_option(plugin, name)
        return plugin

    def _by_name(self) -> dict[str, list[PluginInfo]]:
        claims: dict[str, list[PluginInfo]] = defaultdict(list)
        for info in self._plugins:
            claims[info.name].append(info)
        return claims

    def _unknown(self, name: str, claims: Mapping[str, object]) -> str:
        close = get_close_matches(name, claims, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(close)}? " if close else ""
        there = ", ".join(claims) or "none"
        off = f" (third-party plugins are off: {OFF_SWITCH})" if OFF_SWITCH in os.environ else ""
        return (
            f"Unknown {self._word} {name!r}. {hint}Available: {there}{off}.\n"
            f"More come as pip packages with an entry point in the group 'msde.{self.kind}'."
        )

    def _ambiguous(self, name: str, candidates: Sequence[PluginInfo]) -> str:
        claims = " and ".join(f"{info.distribution} {info.version}" for info in candidates)
        choice = " or ".join(f"{name}@{info.distribution}" for info in candidates)
        return f"The {self._word} name {name!r} is claimed by {claims}.\nPick one: {choice}."


def why_broken(info: PluginInfo) -> str:
    """Import a plugin and say in one line why it cannot be used; empty where it works."""
    try:
        load(info)
    except PluginError as error:
        return str(error).splitlines()[0]
    return ""


def load(info: PluginInfo) -> type[Any]:
    """Import a plugin's class.

    Raises:
        PluginError: with the reason in one line (the original error under ``MSDE_STRICT_PLUGINS=1``); or it is not a
            subclass of its kind's base (listeners have none).
    """
    source = f"{info.kind} plugin {info.name!r} of {info.distribution} {info.version}"
    try:
        target: type[Any] = info.entry_point.load()
    except Exception as error:
        if os.environ.get(STRICT) == "1":
            raise
        reason = str(error).splitlines()[0] if str(error) else ""
        message = (
            f"The {source} cannot be imported: {type(error).__name__}: {reason}\n"
            f"Reinstall or remove {info.distribution}."
        )
        raise PluginError(message) from error
    if info.kind in KINDS:
        _check_base(target, KINDS[info.kind][1], f"The {source} ({info.target})")
    return target


def _check_base(target: object, base: str, source: str) -> None:
    from msde_toolkit import interfaces

    if not (isinstance(target, type) and issubclass(target, getattr(interfaces, base))):
        message = f"{source} is not a subclass of msde_toolkit.interfaces.{base}."
        raise PluginError(message)
