"""``msde list``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from msde_toolkit.cli.console import Json

EXAMPLE = "Example: msde list   |   msde list models --json   |   msde list models scan   |   msde list profiles"


def list_plugins(
    kind: Annotated[
        str | None, typer.Argument(help="models, losses, datasets, maskers, landmarkers, analyses; or profiles.")
    ] = None,
    name: Annotated[str | None, typer.Argument(help="One plugin: what it is and its options.")] = None,
    json: Json = False,
) -> None:
    """List what can be named: models, losses, datasets, maskers, landmarkers, analyses. Imports none of it."""
    from msde_toolkit.cli.console import out, plain_table, print_json
    from msde_toolkit.errors import InputError
    from msde_toolkit.registry import KINDS, Registry

    if kind == "profiles":
        from msde_toolkit.cli.commands.profiles import profiles

        if name is not None:
            message = f"list profiles {name}: takes no name; it lists what each profile changes, for every plugin."
            raise InputError(message)
        profiles(json)
        return
    if kind is not None and name is not None:
        _one(kind, name, json)
        return
    if kind is not None and kind not in KINDS:
        message = f"Unknown kind {kind!r}. Kinds: {', '.join(KINDS)}; or profiles."
        raise InputError(message)
    kinds = list(KINDS) if kind is None else [kind]
    found = {word: Registry(word).plugins() for word in kinds}
    if json:
        documents = {word: [info.as_dict() for info in infos] for word, infos in found.items()}
        print_json(documents if kind is None else documents[kind])
        return
    for word, infos in found.items():
        table = plain_table(word.capitalize(), "Name", "Distribution", "Version", "Target")
        for info in infos:
            table.add_row(info.name, info.distribution, info.version, info.target)
        out().print(table)
    out().print("Options of one: msde list KIND NAME, e.g. msde list models scan", style="dim")


def _one(kind: str, name: str, json: bool) -> None:
    from msde_toolkit.cli.console import labelled, out, plain_table, print_json
    from msde_toolkit.registry import KINDS, Registry

    registry = Registry(kind)
    info, plugin = registry.info(name), registry.get(name)
    role = {"datasets": "data", "maskers": "mask", "landmarkers": "faces"}.get(kind, KINDS[kind][0])
    options = [_option(role, key, field) for key, field in plugin.Options.model_fields.items()]
    facts = {"summary": plugin.summary, "reference": plugin.reference, "licence": plugin.licence}
    if json:
        print_json({**info.as_dict(), **facts, "options": options})
        return
    console = out()
    about = f"({info.distribution} {info.version}): {plugin.summary}"
    console.print(labelled(info.name, about, "bold"), soft_wrap=True)
    for word in ("reference", "licence"):
        if facts[word]:
            console.print(f"  {word}: {facts[word]}")
    if options:
        table = plain_table("Options", "--set", "Default", "What it does")
        for option in options:
            table.add_row(option["key"], str(option["default"]), option["description"])
        console.print(table)


def _option(role: str, key: str, field: Any) -> dict[str, Any]:
    default = "required" if field.is_required() else field.get_default(call_default_factory=True)
    return {"key": f"{role}.{key}", "default": default, "description": field.description or ""}
