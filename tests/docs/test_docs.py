"""The examples in README and docs are run as they stand (training cut to almost nothing)."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EVERY_PAGE = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [page for page in EVERY_PAGE if not page.name.startswith("writing-")]
"""The pages that teach writing a plugin build on what they write: test_writing_guides follows them."""
TINY = "--set data.subjects=4 --set data.size=64 --set train.image_size=40 --set train.epochs=1 --folds 2"


def blocks(language: str) -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for number, text in enumerate(re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.DOTALL)):
            found.append(pytest.param(text, id=f"{page.name}-{number}"))
    return found


@pytest.mark.parametrize("code", blocks("python"))
def test_python_examples_run(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "example", "exec"), {"__name__": "example"})


def _is_cut(command: str) -> bool:
    """A study says in its file how small it is."""
    return command.startswith("msde run") and "--study" not in command


def test_console_examples_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from msde_toolkit.cli.app import main

    monkeypatch.chdir(tmp_path)
    for block in blocks("toml"):  # a file, where its first line names one
        if named := re.match(r"# (\S+\.toml)\n", block.values[0]):
            Path(named[1]).write_text(block.values[0], encoding="utf-8")
    lines = [line for block in blocks("console") for line in block.values[0].splitlines()]
    commands = [part.strip() for line in lines for part in line.split("&&") if part.strip().startswith("msde ")]
    assert "msde run --model scan --loss cl" in commands
    for command in commands:
        words = shlex.split(f"{command} {TINY}" if _is_cut(command) else command)[1:]
        with pytest.raises(SystemExit) as end:
            main(words)
        assert not end.value.code, f"{command}: {capsys.readouterr().err}"


def test_commands_named_in_the_readme_exist() -> None:
    """Every `msde ...` in the table parses: its options are real."""
    import inspect

    from msde_toolkit.cli.app import app
    from msde_toolkit.cli.commands.run import run

    known = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    options = {name.replace("_", "-") for name in inspect.signature(run).parameters} | {"set"}
    for command in re.findall(r"`msde ([^`]+)`", (ROOT / "README.md").read_text("utf-8")):
        words = shlex.split(command)
        assert words[0] in known, command
        if words[0] == "run":
            assert {word[2:] for word in words if word.startswith("--")} <= options, command


def test_links_lead_somewhere() -> None:
    for page in EVERY_PAGE:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"
