"""Where errors become one or two lines and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

import typer

from msde_toolkit.errors import MsdeError

_debug = [False]


def show_tracebacks(wanted: bool) -> None:
    """What ``--debug`` does, for this call of ``msde``."""
    _debug[0] = wanted


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """The command with its errors turned into a line on stderr and an exit code: 1 failed, 2 bad input, 130 stopped."""

    @wraps(command)
    def inside(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except MsdeError as error:
            _stop(error, str(error), error.exit_code)
        except KeyboardInterrupt as error:
            _stop(error, "Stopped.", 130)
        except BrokenPipeError:
            # The reader (head, less) went away; that is no failure of ours.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            _stop(error, f"{where}{error.strerror or error}", 1)
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            hint = "This is a bug of msde-toolkit or of a plugin; --debug shows where."
            _stop(error, f"{type(error).__name__}: {error}\n{hint}", 1)

    return inside


def _stop(error: BaseException, message: str, code: int) -> NoReturn:
    if _debug[0]:
        import traceback

        traceback.print_exception(error)
    typer.secho("Error: ", fg="red", bold=True, err=True, nl=False)
    typer.echo(message, err=True)
    raise typer.Exit(code) from None
