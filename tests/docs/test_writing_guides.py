"""The pages docs/writing-*.md are followed to the letter: files written, commands run, in the order of the page.

Only the packages' own tests, which the pages run one package at a time, are run together at the end.
"""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from msde_toolkit.cli.app import main

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = sorted(DOCS.glob("writing-*.md"))
TINY = "--set data.subjects=4 --set data.size=64 --set train.image_size=40 --set train.epochs=1 --folds 2"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


class Reader:
    """Somebody who does what a page says, in an empty folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.site = folder, folder / "site"
        self.capsys, self.monkeypatch = capsys, monkeypatch
        self.to_test: list[Path] = []
        monkeypatch.setenv("COLUMNS", "120")

    def follow(self, page: Path) -> list[str]:
        """The commands that were run."""
        self.monkeypatch.chdir(self.folder)
        done = []
        for language, text in BLOCK.findall(page.read_text("utf-8")):
            if language == "console":
                for command in text.splitlines():
                    self.run(command)
                    done.append(command)
            elif language == "python":
                self.python(text)
        return done

    def python(self, code: str) -> None:
        """A file, where its first line names one; else a snippet."""
        named = re.match(r"# (\S+\.py)\n", code)
        if named is None:
            exec(compile(code, "snippet", "exec"), {"__name__": "snippet"})
            return
        assert Path(named[1]).is_file(), f"{named[1]}: the page replaces what msde plugin new has written"
        Path(named[1]).write_text(code.removeprefix(named[0]), encoding="utf-8")

    def run(self, command: str) -> None:
        first, *words = shlex.split(f"{command} {TINY}" if command.startswith("msde run") else command)
        if first == "cd":
            self.monkeypatch.chdir(words[0])
        elif command == "pip install -e .":
            # Into a folder of its own, without network or dependencies: the toolkit is there already.
            options = ("--no-index", "--no-build-isolation", "--no-deps", "--target", str(self.site))
            self.spawn("-m", "pip", "install", "-q", *options, ".")
            self.monkeypatch.syspath_prepend(str(self.site))
            importlib.invalidate_caches()
        elif first == "pytest":
            self.to_test.append(Path.cwd() / "tests")
            self.spawn("-m", "ruff", "check", "--no-cache", ".")
            self.spawn("-m", "ruff", "format", "--no-cache", "--check", ".")
        else:
            assert first == "msde", command
            with pytest.raises(SystemExit) as end:
                main(words)
            assert not end.value.code, f"{command}: {self.capsys.readouterr()}"

    def test(self) -> None:
        """What the pages have asked for by ``pytest``."""
        self.monkeypatch.chdir(self.folder)
        options = ("-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", ".")
        self.spawn("-m", "pytest", *options, *map(str, self.to_test))

    def spawn(self, *words: str) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
        done = subprocess.run(
            [sys.executable, *words],
            env=environment | {"PYTHONPATH": str(self.site)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"


def test_the_pages_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = Reader(tmp_path, monkeypatch, capsys)
    for page in GUIDES:
        done = reader.follow(page)
        kind = page.stem.split("-")[-1]
        (begun,) = [command for command in done if command.startswith(f"msde plugin new {kind} ")]
        assert f"msde plugin check {begun.split()[-1]}" in done
        assert "pytest" in done
    assert len(reader.to_test) == len(GUIDES)
    reader.test()


def test_each_page_leads_to_the_others() -> None:
    assert [page.stem for page in GUIDES] == ["writing-a-loss", "writing-a-model", "writing-an-analysis"]
    for page in GUIDES:
        for other in set(GUIDES) - {page}:
            assert f"]({other.name})" in page.read_text("utf-8")
