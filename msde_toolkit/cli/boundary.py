"""Where errors become one or two lines and an exit code."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import typer

from msde_toolkit.errors import InputError, MsdeError

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


@contextmanager
def usage_errors() -> Iterator[None]:
    """Complaints of the parser about the words themselves, in the same form: a line, a hint, exit code 2."""
    try:
        yield
    except InputError as error:
        _tell(str(error))
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(130)
    except Exception as error:
        # Typer brings its own copy of click or uses an installed one; both kinds of complaint have this method.
        if not hasattr(error, "format_message"):
            raise
        # Where it is empty, the help page has been shown instead.
        if message := error.format_message():
            command = getattr(getattr(error, "ctx", None), "command_path", "msde")
            _tell(f"{message.splitlines()[0]}\nTry: {command} --help")
        sys.exit(2)


def home_written_out(word: str) -> str:
    """``--out=~/x`` with the home folder that a shell puts there only after a space; else a folder ``~`` is made."""
    return re.sub(r"^(--[\w-]+=)?~(?=/|$)", lambda found: (found[1] or "") + str(Path.home()), word)


def check_words(words: Sequence[str]) -> None:
    """Words that can only be a mistake of the shell.

    Raises:
        InputError: an empty word, as an unset variable leaves it; a word that is not UTF-8.
    """
    for before, word in zip(["msde", *words], words, strict=False):
        if not word or re.fullmatch(r"--[\w-]+=", word):
            message = f"Nothing stands after {word.rstrip('=') or before}: is a shell variable empty?"
            raise InputError(message)
        if not _is_utf8(word):
            message = f"{word!a} is not UTF-8, and could not be written into a run's files. Rename it."
            raise InputError(message)


def _is_utf8(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def _stop(error: BaseException, message: str, code: int) -> NoReturn:
    if _debug[0]:
        import traceback

        traceback.print_exception(error)
    _tell(message)
    raise typer.Exit(code) from None


def _tell(message: str) -> None:
    typer.secho("Error: ", fg="red", bold=True, err=True, nl=False)
    typer.echo(message, err=True)
