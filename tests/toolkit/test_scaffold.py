"""``msde plugin new``: names that can be used, folders that are left alone, and a wheel that carries the templates."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from msde_toolkit import hooks, scaffold
from msde_toolkit.errors import InputError
from msde_toolkit.scaffold import new_plugin
from msde_toolkit.scaffold.names import GROUPS, checked_names

ROOT = Path(__file__).parents[2]
TEMPLATES = Path(scaffold.__file__).parent / "templates"


@pytest.mark.parametrize(
    ("name", "kind", "package", "cls"),
    [
        ("smallnet", "model", "msde_smallnet", "SmallnetModel"),
        ("pair-triplet", "loss", "msde_pair_triplet", "PairTripletLoss"),
        ("template-loss", "loss", "msde_template_loss", "TemplateLoss"),
        ("x3", "analysis", "msde_x3", "X3Analysis"),
        ("none", "masker", "msde_none", "NoneMasker"),
    ],
)
def test_one_name_gives_all_others(name, kind, package, cls):
    names = checked_names(kind, name)
    assert (names.distribution, names.package, names.cls) == (f"msde-{name}", package, cls)
    assert cls.isidentifier()


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("modle", "x", "Did you mean model"),
        ("model", "Small_Net", "For instance: small-net"),
        ("model", "msde_small", "For instance: small"),
        ("model", "3net", "For instance: net"),
        ("model", "a--b", "For instance: a-b"),
        ("model", "-a", "single hyphens"),
        ("model", "a b", "single hyphens"),
        ("model", "../a", "single hyphens"),
        ("model", "a:b", "single hyphens"),
        ("model", "é", "single hyphens"),
        ("model", "", "single hyphens"),
        ("model", "a\n", "single hyphens"),
        ("model", "a" * 31, "keep it within 30"),
        ("model", "toolkit", "reserved; the package would be msde-toolkit"),
        ("loss", "loss", "reserved"),
        ("model", "msde-x", "reserved"),
        ("loss", "ce", "has a loss 'ce' already"),
        ("model", "resnet", "A package msde_resnet is installed already"),
    ],
)
def test_names_that_cannot_be_used_are_refused(kind, name, message, tmp_path):
    with pytest.raises(InputError, match=message):
        new_plugin(kind, name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = new_plugin("model", "smallnet")
    assert made.directory == Path("msde-smallnet")
    assert {str(path.relative_to(made.directory)) for path in made.directory.rglob("*") if path.is_file()} == set(
        made.files
    )
    before = (tmp_path / "msde-smallnet" / "README.md").read_text()
    with pytest.raises(InputError, match="nothing is overwritten"):
        new_plugin("loss", "smallnet")
    assert (tmp_path / "msde-smallnet" / "README.md").read_text() == before
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="nothing is overwritten"):
        new_plugin("model", "smallnet", tmp_path / "file")
    with pytest.raises(InputError, match="cannot be written"):
        new_plugin("model", "smallnet", tmp_path / "file" / "below")
    (tmp_path / "empty").mkdir()
    assert new_plugin("model", "smallnet", tmp_path / "empty").files


def test_listeners_stand_in_the_group_that_is_loaded():
    assert GROUPS["listener"] == hooks.GROUP


@pytest.mark.parametrize("kind", GROUPS)
def test_the_entry_point_names_what_is_there(kind, tmp_path):
    made = new_plugin(kind, "some-thing", tmp_path / "out")
    project = tomllib.loads((made.directory / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == "msde-some-thing"
    (target,) = project["entry-points"][GROUPS[kind]].values()
    module, _, cls = target.partition(":")
    source = made.directory / "src" / Path(*module.split(".")).with_suffix(".py")
    assert f"class {cls}" in source.read_text(encoding="utf-8")
    assert "{{" not in "".join((made.directory / file).read_text(encoding="utf-8") for file in made.files)


def test_the_wheel_carries_every_template(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if "scaffold" in name and name.endswith(".jinja")}
    assert {f"msde_toolkit/scaffold/templates/{path.relative_to(TEMPLATES).as_posix()}" for path in
            TEMPLATES.rglob("*.jinja")} == shipped  # fmt: skip
    assert len(shipped) > 14
