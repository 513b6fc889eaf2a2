"""The hooks: any number of plugins may listen, none is needed, and none can change a result.

A complete plugin, named by an entry point in the group ``msde.hooks``:

    from msde_toolkit.interfaces import hookimpl
    from msde_toolkit.types import EpochEnded

    class PrintEpochs:
        @hookimpl
        def msde_epoch_ended(self, event: EpochEnded) -> None:
            print(event.fold, event.epoch, dict(event.losses))
"""

from __future__ import annotations

import pluggy

from msde_toolkit.types.events import (
    AnalysisFinished,
    EpochEnded,
    FoldEnded,
    FoldStarted,
    RunFailed,
    RunFinished,
    RunStarted,
)

hookspec = pluggy.HookspecMarker("msde")
hookimpl = pluggy.HookimplMarker("msde")


class Hooks:
    """What can be listened to. Listeners get a small frozen record and return nothing."""

    @hookspec
    def msde_run_started(self, event: RunStarted) -> None:
        """A run begins or is resumed."""

    @hookspec
    def msde_fold_started(self, event: FoldStarted) -> None:
        """A fold's training begins."""

    @hookspec
    def msde_epoch_ended(self, event: EpochEnded) -> None:
        """An epoch is over and its line of history is written."""

    @hookspec
    def msde_fold_ended(self, event: FoldEnded) -> None:
        """A fold's model and predictions are written."""

    @hookspec
    def msde_run_finished(self, event: RunFinished) -> None:
        """The summary is written."""

    @hookspec
    def msde_run_failed(self, event: RunFailed) -> None:
        """The run stopped on an error or on Ctrl-C."""

    @hookspec
    def msde_analysis_finished(self, event: AnalysisFinished) -> None:
        """An analysis wrote its files."""
