"""``msde plugin``."""

from __future__ import annotations

from msde_toolkit.cli.console import Json

EXAMPLE = "Example: msde plugin list   |   MSDE_PLUGINS= msde plugin list"


def list_all(json: Json = False) -> None:
    """Import every plugin and say which work, which do not, and why."""
    from msde_toolkit.cli.console import out, plain_table, print_json
    from msde_toolkit.hooks import GROUP
    from msde_toolkit.registry import KINDS, Registry, find, why_broken

    rows = []
    for info in [info for kind in KINDS for info in Registry(kind).plugins()] + find(GROUP, "hooks"):
        reason = why_broken(info)
        rows.append({"kind": info.kind, **info.as_dict(), "works": not reason, "reason": reason})
    if json:
        print_json(rows)
        return
    table = plain_table("Plugins", "Kind", "Name", "Distribution", "Version", "State")
    for row in rows:
        state = "works" if row["works"] else str(row["reason"])
        table.add_row(*(str(row[key]) for key in ("kind", "name", "distribution", "version")), state)
    out().print(table)
