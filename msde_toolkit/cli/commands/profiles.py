"""``msde list profiles``: where the paper and its released code differ, switch by switch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from msde_toolkit.interfaces import PluginOptions, Switch


def profiles(json: bool) -> None:
    """Print every switch that ``--profile code`` makes, with its source."""
    from msde_toolkit.cli.console import out, print_json

    rows = _rows()
    if json:
        print_json(rows)
        return
    console = out()
    console.print("What --profile code changes; --profile paper, the default, changes nothing.", style="bold")
    where = ""
    for row in rows:
        if row["where"] != where:
            where = row["where"]
            console.print(f"\n{where}")
        _print(console, row)
    last = "Each is also a single option: --set KEY=VALUE. Runs with an unsound one are marked in their summary."
    console.print(f"\n{last}", style="dim")


def _print(console: Any, row: dict[str, Any]) -> None:
    from rich.padding import Padding

    def indented(text: str, columns: int, style: str) -> None:
        console.print(Padding(text, (0, 0, 0, columns)), style=style)

    indented(f"{row['key']}: {_told(row['paper'])} -> {_told(row['code'])}", 2, "bold")
    indented(row["about"], 6, "")
    indented(row["source"], 6, "dim")
    if row["unsound"]:
        indented(f"UNSOUND: {row['unsound']}", 6, "bold red")


def _rows() -> list[dict[str, Any]]:
    from msde_toolkit.engine.released_code import SWITCHES, TEACHER_SWITCHES
    from msde_toolkit.engine.train_options import TrainOptions
    from msde_toolkit.registry import Registry, load, why_broken

    rows = [_row("every run", switch, TrainOptions) for switch in SWITCHES["code"]]
    rows += [_row("losses with a teacher", switch, TrainOptions) for switch in TEACHER_SWITCHES["code"]]
    for kind in ("models", "losses"):
        plugins = {info.name: load(info) for info in Registry(kind).plugins() if not why_broken(info)}
        of_kind = {switch: plugin.Options for plugin in plugins.values() for switch in plugin.profiles.get("code", ())}
        for switch, options in of_kind.items():
            names = [name for name, plugin in plugins.items() if switch in plugin.profiles.get("code", ())]
            own = TrainOptions if switch.key.startswith("train.") else options
            rows.append(_row(f"{kind}: {', '.join(names)}", switch, own))
    return sorted(rows, key=lambda row: row["where"] not in {"every run", "losses with a teacher"})


def _row(where: str, switch: Switch, options: type[PluginOptions]) -> dict[str, Any]:
    _, dot, key = switch.key.partition(".")
    return {
        "where": where,
        "key": switch.key if dot else f"--{switch.key}",
        "paper": options.model_fields[key].get_default(call_default_factory=True) if dot else "last",
        "code": switch.value,
        "about": switch.about,
        "source": switch.source,
        "unsound": switch.unsound,
    }


def _told(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
