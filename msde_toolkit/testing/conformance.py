"""From a plugin's name to its report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from msde_toolkit.errors import InputError, PluginError
from msde_toolkit.hooks import GROUP
from msde_toolkit.options import nearest
from msde_toolkit.registry import KINDS, PluginInfo, Registry, find, load, split_name
from msde_toolkit.testing.plugin import ANY, DECLARED, PluginUnderTest
from msde_toolkit.testing.report import Finding, Report

LISTENER = "listener"
PLURALS = {word: plural for plural, (word, _) in KINDS.items()}
"""Kinds as the kit names them, but for the listener, which no registry holds: ``model`` to ``models``."""
KIND_NAMES = (*PLURALS, LISTENER)

Ask = Callable[[PluginUnderTest], Iterator[Finding]]


def check(name: str, kind: str | None = None, *, root: Path | str | None = None) -> Report:
    """Run every check of its kind on an installed plugin. Needs no network; a model of usual size takes seconds.

    Args:
        name: as in ``msde list``; ``NAME:ARGUMENT`` where the plugin takes one.
        kind: ``model``, ``loss``, ``dataset``, ``masker``, ``landmarker``, ``analysis`` or ``listener``; needed only
            where several kinds have a plugin of this name.
        root: the files of a dataset that needs some; without it only what can be asked without files is.

    Raises:
        InputError: unknown kind; a root for a plugin that is no dataset, or where nothing is.
        PluginError: no plugin of this name; a name that several kinds or distributions have.
    """
    kind = _kind_of(name) if kind is None else _known(kind)
    info = _info(kind, name)
    if root is not None and kind != "dataset":
        message = f"--root {root}: {name} is no dataset (its kind: {kind})."
        raise InputError(message)
    if root is not None and not Path(root).exists():
        message = f"--root {root}: nothing there."
        raise InputError(message)
    findings = tuple(_findings(kind, name, info, None if root is None else Path(root)))
    return Report(kind, name, info.distribution, info.version, info.target, findings)


def _findings(kind: str, name: str, info: PluginInfo, root: Path | None) -> Iterator[Finding]:
    import torch

    try:
        cls = load(info)
    except PluginError as error:
        remedy = "The entry point's value must be module:Class, and the module must import where the toolkit is."
        yield Finding("it can be imported", "failed", str(error).splitlines()[0], remedy)
        return
    yield Finding("it can be imported", "passed", info.target)
    subject = PluginUnderTest(name, kind, cls, info, root)
    # Whoever calls this keeps their own random numbers.
    with torch.random.fork_rng(devices=[]):
        yield from ANY.ask(subject)
        if kind != LISTENER:
            declared = list(DECLARED.ask(subject))
            yield from declared
            if not subject.can_be_made:
                return
        yield from _ask_of(kind)(subject)


def _ask_of(kind: str) -> Ask:
    """``ask`` of the kind's own module, imported only when it is wanted."""
    ask: Ask = import_module(f"msde_toolkit.testing.{kind}").ask
    return ask


def _known(kind: str) -> str:
    singular: Mapping[str, Any] = {plural: word for word, plural in PLURALS.items()}
    kind = str(singular.get(kind, kind))
    if kind not in KIND_NAMES:
        message = f"--kind {kind}: no such kind. {nearest(kind, KIND_NAMES)}"
        raise InputError(message)
    return kind


def _kind_of(name: str) -> str:
    """The kind whose plugin has this name."""
    plain = split_name(name)[0].partition("@")[0]
    offers = {kind: {info.name for info in _offered(kind)} for kind in KIND_NAMES}
    kinds = [kind for kind, names in offers.items() if plain in names]
    if len(kinds) == 1:
        return kinds[0]
    if kinds:
        message = f"{name} is the name of a {' and of a '.join(kinds)}: say which with --kind."
    else:
        known = sorted({other for names in offers.values() for other in names})
        message = f"No plugin of any kind is named {plain!r}. {nearest(plain, known)}\nIs its package installed?"
    raise PluginError(message)


def _offered(kind: str) -> list[PluginInfo]:
    return find(GROUP, "hooks") if kind == LISTENER else Registry(PLURALS[kind]).plugins()


def _info(kind: str, name: str) -> PluginInfo:
    if kind != LISTENER:
        return Registry(PLURALS[kind]).info(name)
    for info in _offered(kind):
        if name in (info.name, f"{info.name}@{info.distribution}"):
            return info
    known = [info.name for info in _offered(kind)]
    message = f"Unknown listener {name!r}. Installed: {', '.join(known) or 'none'}."
    raise PluginError(message)
