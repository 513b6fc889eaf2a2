"""What is asked of a listener: that every hook is one of the toolkit's, and hears a run without raising."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pluggy

from msde_toolkit.interfaces import Hooks
from msde_toolkit.testing.checks import Checklist, require
from msde_toolkit.testing.plugin import PluginUnderTest
from msde_toolkit.testing.report import Finding
from msde_toolkit.types import (
    AnalysisFinished,
    EpochEnded,
    FoldEnded,
    FoldStarted,
    RunFailed,
    RunFinished,
    RunStarted,
)

LISTENER: Checklist[ListenerUnderTest] = Checklist()


@dataclass(frozen=True)
class ListenerUnderTest:
    """A listener plugin."""

    plugin: PluginUnderTest

    def make(self) -> Any:
        """As the engine makes it: a class is called, anything else is the listener itself."""
        cls = self.plugin.cls
        return cls() if isinstance(cls, type) else cls

    def hooks(self) -> list[str]:
        """Names of the hooks it implements, known to the toolkit or not."""
        manager = pluggy.PluginManager("msde")
        listener = self.make()
        return [name for name in dir(listener) if manager.parse_hookimpl_opts(listener, name) is not None]


def ask(plugin: PluginUnderTest) -> Iterator[Finding]:
    """All findings about a listener."""
    yield from LISTENER.ask(ListenerUnderTest(plugin))


@LISTENER.check("it can be made", remedy="A listener's class takes no arguments; read settings from the environment.")
def can_be_made(listener: ListenerUnderTest) -> None:
    """Without arguments, once for every run."""
    listener.make()


@LISTENER.check(
    "its hooks are the toolkit's",
    remedy="Mark methods with msde_toolkit.interfaces.hookimpl and name them as in Hooks, with the one argument event.",
)
def hooks_are_known(listener: ListenerUnderTest) -> str:
    """At least one, and none that nobody calls."""
    found, known = listener.hooks(), {name for name in vars(Hooks) if name.startswith("msde_")}
    require(found, "it implements no hook")
    unknown = [name for name in found if name not in known]
    require(not unknown, f"nobody calls {', '.join(unknown)}; hooks are {', '.join(sorted(known))}")
    return ", ".join(found)


@LISTENER.check(
    "it hears a run without raising",
    remedy="Take every value that an event can hold, an empty table too; a listener that raises is switched off.",
)
def hears_a_run(listener: ListenerUnderTest) -> str:
    """Two runs after each other: one that finishes, one that fails. No other listener hears of them."""
    manager = pluggy.PluginManager("msde")
    manager.add_hookspecs(Hooks)
    manager.register(listener.make())
    with tempfile.TemporaryDirectory() as folder:
        for hook, event in _run_of_events(Path(folder)):
            getattr(manager.hook, hook)(event=event)
    return "two runs"


def _run_of_events(folder: Path) -> Iterator[tuple[str, object]]:
    notes = ("synthetic faces",)
    metrics: Mapping[str, object] = {"nm": {"accuracy": {"pooled": 0.5, "ci95": None}}, "m": None}
    for run, failed in (("20261124-1530-tiny-ce", False), ("20261124-1531-tiny-ce", True)):
        directory = folder / run
        directory.mkdir()
        yield "msde_run_started", RunStarted(run, directory, "tiny", "ce", "synthetic", True, 2, 1, 3, failed, notes)
        yield "msde_fold_started", FoldStarted(run, 0, "00", 96, 14)
        for losses in ({"ce": 1.5, "total": 1.5}, {}):
            yield "msde_epoch_ended", EpochEnded(run, 0, "00", 0, 3, losses, 120.0, 0.8)
        if failed:
            yield "msde_run_failed", RunFailed(run, directory, "The disk is full.")
            continue
        yield "msde_fold_ended", FoldEnded(run, 0, "00", {"nm": 0.5, "m": 0.25}, 4.0)
        yield "msde_run_finished", RunFinished(run, directory, {"schema": 1, "run": run, "metrics": metrics})
        yield "msde_analysis_finished", AnalysisFinished("confusion", directory / "analyses" / "confusion")
