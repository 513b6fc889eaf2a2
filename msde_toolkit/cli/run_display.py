"""Live progress of a run: a listener like any other. Bars on a terminal, plain lines elsewhere; always on stderr."""

from __future__ import annotations

import time
from collections import defaultdict
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from msde_toolkit.cli.console import err, labelled, show_warnings
from msde_toolkit.interfaces import hookimpl
from msde_toolkit.types import EpochEnded, FoldEnded, FoldStarted, RunStarted

PLAIN_LINE_SECONDS = 15.0
TEACHER = "teacher-"
"""How the folds of teachers are named."""


class RunDisplay:
    """Shows drawing or decoding, then folds and epochs.

    Args:
        quiet: show nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = err()
        self._quiet = quiet
        self._live = self._console.is_terminal and not quiet
        title, note = (TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[note]}"))
        columns = (title, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), note)
        self._progress = Progress(*columns, console=self._console, disable=not self._live, transient=True)
        self._task: TaskID | None = None
        self._title = ""
        self._folds = 0
        self._done = 0
        self._accuracy: dict[str, list[float]] = defaultdict(list)
        self._last_line = 0.0

    def __enter__(self) -> Self:
        """Start."""
        show_warnings()
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, so that a table or an error stands below."""
        self._progress.stop()

    def decoding(self, done: int, total: int) -> None:
        """Images are being decoded (or drawn) into the cache."""
        self._stage("Preparing images", f"Preparing {total} images (kept in the cache for the next run)", done, total)

    def searching(self, done: int, total: int) -> None:
        """Faces are being looked for in photos."""
        self._stage("Looking for faces", f"Looking for faces in {total} photos (kept in the cache)", done, total)

    def _stage(self, title: str, sentence: str, done: int, total: int) -> None:
        if self._title != title:
            if self._task is not None:
                self._progress.remove_task(self._task)
            self._title, self._task = title, self._progress.add_task(title, total=total, note="")
            self._say(sentence)
        assert self._task is not None
        self._progress.update(self._task, completed=done)

    @hookimpl
    def msde_run_started(self, event: RunStarted) -> None:
        """Say what starts and what the preset cut."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._title, self._done = "", 0
        self._accuracy.clear()  # several runs of a study are told by one display
        again = "Resuming" if event.resumed else "Run"
        self._say(labelled(f"{again} {event.run}:", f"{event.model} + {event.loss} on {event.dataset}", "bold"))
        for note in event.notes:
            self._say(Text(f"  {note}", "dim"))
        self._folds = event.folds * event.repeats + event.teachers
        self._task = self._progress.add_task("Starting", total=self._folds * event.epochs, note="")

    @hookimpl
    def msde_fold_started(self, event: FoldStarted) -> None:
        """Name the fold."""
        name = event.fold.removeprefix(TEACHER)
        word = "Fold" if name == event.fold else "Teacher of fold"
        title = f"{word} {name}" if event.repeat == 0 else f"Repeat {event.repeat + 1}, {word.lower()} {name}"
        if self._task is not None:
            self._progress.update(self._task, description=title)
        self._say_plain(f"{title}: {event.train_samples} images to train, {event.test_samples} held out")

    @hookimpl
    def msde_epoch_ended(self, event: EpochEnded) -> None:
        """Move the bar."""
        note = f"epoch {event.epoch + 1}/{event.epochs}  {event.images_per_second:.0f} img/s  {self._so_far()}"
        if self._task is not None:
            completed = self._done * event.epochs + event.epoch + 1
            self._progress.update(self._task, completed=completed, note=note)
        if time.monotonic() - self._last_line > PLAIN_LINE_SECONDS:
            self._last_line = time.monotonic()
            self._say_plain(f"  {note}  loss {event.losses.get('total', float('nan')):.3f}")

    @hookimpl
    def msde_fold_ended(self, event: FoldEnded) -> None:
        """Keep the held-out accuracy for the display."""
        self._done += 1
        for condition, accuracy in event.accuracy.items():
            self._accuracy[condition].append(accuracy)
        word = "" if event.fold.startswith(TEACHER) else "fold "
        self._say_plain(f"  {word}{event.fold} done in {event.seconds:.0f} s  {self._so_far()}")

    def _so_far(self) -> str:
        """Mean held-out accuracy of the folds that are done."""
        words = sorted(self._accuracy, key=lambda word: (word != "nm", word))
        means = {word: sum(self._accuracy[word]) / len(self._accuracy[word]) for word in words}
        shown = ", ".join(f"{word.upper()} {100 * mean:.1f} %" for word, mean in means.items())
        return f"held out so far: {shown}" if shown else ""

    def _say(self, text: str | Text) -> None:
        if not self._quiet:
            self._console.print(text, soft_wrap=not self._live)

    def _say_plain(self, text: str) -> None:
        if not self._live:
            self._say(text)
