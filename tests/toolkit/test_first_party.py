"""The toolkit's own plugins: every entry point of pyproject.toml loads, and says what a user needs to know."""

import re
import tomllib
import typing
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest
from pydantic import BaseModel

from msde_toolkit.registry import KINDS, OUR_DISTRIBUTION, PluginInfo, Registry

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TABLES = PROJECT["project"]["entry-points"]
DATA = "msde.mask_templates"  # packages of data files
NAMED = [
    (group.removeprefix("msde."), name, target)
    for group, table in TABLES.items()
    for name, target in table.items()
    if group not in {"msde.hooks", DATA}
]


def plugin(kind, name, target):
    """As the table says, also where the installation is older than the table."""
    point = EntryPoint(name, target, f"msde.{kind}")
    return Registry(kind, [PluginInfo(kind, name, OUR_DISTRIBUTION, "0", target, point)]).get(name)


def undocumented(options, where=""):
    """Fields without a description, those of options inside options too."""
    for key, field in options.model_fields.items():
        if not (field.description or "").strip():
            yield f"{where}{key}"
        for part in (field.annotation, *typing.get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from undocumented(part, f"{where}{key}.")


@pytest.mark.parametrize(("kind", "name", "target"), NAMED, ids=lambda value: value)
def test_each_plugin_loads_and_describes_itself(kind, name, target):
    cls = plugin(kind, name, target)
    assert re.fullmatch(r"\S.{10,100}\S", cls.summary), "one line of summary"
    assert not cls.summary.endswith(".")
    assert cls.reference, "where the method comes from"
    assert cls.licence not in ("", "unknown")
    assert list(undocumented(cls.Options)) == []
    for preset, changes in cls.presets.items():
        assert preset in {"quick", "paper"}
        assert set(changes) <= set(cls.Options.model_fields)


def test_each_kind_has_a_plugin_and_each_group_is_a_kind():
    assert {kind for kind, _, _ in NAMED} == set(KINDS)
    assert set(TABLES) <= {f"msde.{kind}" for kind in KINDS} | {"msde.hooks", DATA}


def test_undocumented_options_would_be_found():
    class Inner(BaseModel):
        radius: int = 1

    class Outer(BaseModel):
        inner: Inner | None = None

    assert list(undocumented(Outer)) == ["inner", "inner.radius"]


def test_the_installation_knows_what_the_table_names():
    for group, table in TABLES.items():
        points = entry_points(group=group)
        installed = {p.name: p.value for p in points if p.dist is not None and p.dist.name == OUR_DISTRIBUTION}
        assert installed == table, f"{group}: installed before the table changed; run pip install -e . again"


def test_each_plugin_package_is_shipped_and_held_by_the_import_contracts():
    there = {path.parent.name for path in (ROOT / "plugins").glob("*/__init__.py")}
    shipped = {Path(path).name for path in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}
    contracts = PROJECT["tool"]["importlinter"]
    assert shipped == there | {"msde_toolkit"}
    assert set(contracts["root_packages"]) == shipped
    lists = [
        c.get("forbidden_modules", []) + c.get("source_modules", []) + c.get("modules", [])
        for c in contracts["contracts"]
    ]
    for held in lists[1:]:
        assert there <= set(held)
