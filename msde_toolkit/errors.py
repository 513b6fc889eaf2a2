"""The two errors that reach a user, and the exit codes they end with."""

from __future__ import annotations


class MsdeError(Exception):
    """Something went wrong while running: exit code 1. The message is shown to the user as it stands."""

    exit_code = 1


class InputError(MsdeError):
    """What the user gave is wrong (an option, a file, a row): exit code 2.

    The message says what is wrong, where, and what to do, in one or two lines.
    """

    exit_code = 2


class DataError(InputError):
    """A row, an image or a table that cannot be used; the message names file and row."""


class PluginError(InputError):
    """A plugin that is unknown, ambiguous or cannot be imported."""


class MsdeWarning(UserWarning):
    """Something the user must know although the work goes on. The message is shown as it stands."""


class Interrupted(MsdeError):
    """The user pressed Ctrl-C: exit code 130. The message says how to go on."""

    exit_code = 130
