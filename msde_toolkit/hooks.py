"""Listeners: pluggy plugins that hear of a run and cannot change it.

Each entry point of the group ``msde.hooks`` is loaded on its own and guarded; a listener that raises is reported once,
by name, and switched off, and the run goes on.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import pluggy

from msde_toolkit.errors import MsdeWarning, PluginError
from msde_toolkit.interfaces.listener import Hooks
from msde_toolkit.registry import STRICT, find, load

GROUP = "msde.hooks"


class ListenerWarning(MsdeWarning):
    """A listener could not be loaded or raised, and is switched off."""


class Listeners:
    """All listeners of a run.

    Args:
        own: listeners of the caller (the progress display, for one), besides the installed ones.
    """

    def __init__(self, own: Iterable[object] = ()) -> None:
        self._manager = pluggy.PluginManager("msde")
        self._manager.add_hookspecs(Hooks)
        for number, listener in enumerate(own):
            name = type(listener).__name__
            self._register(listener, f"{name} {number + 1}" if self._manager.has_plugin(name) else name)
        for info in find(GROUP, "hooks"):
            try:
                self._register(load(info), f"{info.name} of {info.distribution} {info.version}")
            except PluginError as error:
                _report(str(error).replace("\n", " "))

    def _register(self, target: Any, name: str) -> None:
        try:
            plugin = target() if isinstance(target, type) else target
            self._manager.register(plugin, name)
            self._manager.check_pending()
        except Exception as error:
            if os.environ.get(STRICT) == "1":
                raise
            if self._manager.has_plugin(name):
                self._manager.unregister(name=name)
            _report(f"Listener {name} is switched off: {type(error).__name__}: {error}")

    def tell(self, hook: str, event: object) -> None:
        """Let every listener hear ``event`` through ``hook``, e.g. ``tell("msde_epoch_ended", EpochEnded(...))``.

        Each gets a copy of its own, so that none can change the run's records through a table inside the event.
        """
        plugins = list(self._manager.get_plugins())
        for plugin in plugins:
            others = [other for other in plugins if other is not plugin]
            try:
                self._manager.subset_hook_caller(hook, others)(event=deepcopy(event))
            except Exception as error:
                if os.environ.get(STRICT) == "1":
                    raise
                name = self._manager.get_name(plugin)
                self._manager.unregister(plugin)
                _report(f"Listener {name} raised in {hook} and is switched off: {type(error).__name__}: {error}")


def _report(message: str) -> None:
    warnings.warn(message, ListenerWarning, stacklevel=3)
