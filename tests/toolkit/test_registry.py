"""Names to plugins: what is offered, who offers it, and what is said when that is not clear or does not work."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from installed import install

from msde_toolkit import __version__
from msde_toolkit.errors import PluginError
from msde_toolkit.registry import KINDS, Registry, disable_third_parties, shown_name

TWIN = """
    from msde_toolkit.interfaces import Model

    class Twin(Model):
        summary = "{}"
"""


def offer(folder, distribution, module, source, name, *, version="1.0", kind="models", target="Twin"):
    install(folder, distribution, version, {f"msde.{kind}": {name: f"{module}:{target}"}}, **{module: source})


def names(kind="models"):
    return {info.name for info in Registry(kind).plugins()}


def test_an_unknown_name_gets_close_matches_the_list_and_the_way_to_more(site_packages):
    with pytest.raises(PluginError) as caught:
        Registry("models").info("scaan")
    first, second = str(caught.value).splitlines()
    assert first.startswith("Unknown model 'scaan'. Did you mean scan or ran? Available: ")
    assert {"resnet18", "scan"} <= set(first.rpartition("Available: ")[2].rstrip(".").split(", "))
    assert "'msde.models'" in second
    with pytest.raises(PluginError) as caught:
        Registry("analyses").info("zzzzzz")
    assert str(caught.value).startswith("Unknown analysis 'zzzzzz'. Available: ")


def test_an_unknown_kind_lists_the_kinds():
    with pytest.raises(
        PluginError, match=r"Unknown kind 'model'\. Kinds: models, losses, datasets, maskers, landmarkers, analyses"
    ):
        Registry("model")


def test_an_installed_plugin_is_found_and_described(site_packages):
    offer(site_packages, "msde-alpha", "alpha_model", TWIN.format("alpha"), "twin", version="1.2")
    assert Registry("models").info("twin").as_dict() == {
        "name": "twin",
        "distribution": "msde-alpha",
        "version": "1.2",
        "target": "alpha_model:Twin",
    }
    assert "alpha_model" not in sys.modules
    assert Registry("models").get("twin").summary == "alpha"


def test_a_name_claimed_twice_is_an_error_that_names_both_and_can_be_picked(site_packages):
    offer(site_packages, "msde-alpha", "alpha_model", TWIN.format("alpha"), "twin", version="1.2")
    offer(site_packages, "Msde_Beta", "beta_model", TWIN.format("beta"), "twin", version="2.0.1")
    registry = Registry("models")
    assert [info.name for info in registry.plugins()].count("twin") == 2
    with pytest.raises(PluginError) as caught:
        registry.get("twin")
    first, second = str(caught.value).splitlines()
    assert "'twin'" in first
    assert "msde-alpha 1.2" in first
    assert "Msde_Beta 2.0.1" in first
    picks = second.removeprefix("Pick one: ").rstrip(".").split(" or ")
    assert {registry.get(pick).summary for pick in picks} == {"alpha", "beta"}
    assert registry.get("twin@msde-beta").summary == "beta"
    with pytest.raises(PluginError, match="Unknown model 'twin@msde-gamma'"):
        registry.get("twin@msde-gamma")


def test_nobody_takes_over_a_name_of_the_toolkit(site_packages, monkeypatch):
    offer(site_packages, "msde-alpha", "alpha_model", TWIN.format("alpha"), "scan")
    with pytest.raises(PluginError, match=rf"msde-toolkit {__version__}"):
        Registry("models").info("scan")
    assert Registry("models").info("scan@msde-toolkit").target == "msde_scan.model:Scan"
    monkeypatch.setenv("MSDE_PLUGINS", "")
    assert Registry("models").info("scan").distribution == "msde-toolkit"


def test_the_same_distribution_seen_through_two_folders_is_no_collision(site_packages, tmp_path, monkeypatch):
    offer(site_packages, "msde-alpha", "alpha_model", TWIN.format("alpha"), "twin")
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.syspath_prepend(str(other))
    offer(other, "msde-alpha", "alpha_model", TWIN.format("alpha again"), "twin")
    assert Registry("models").get("twin").summary == "alpha again"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import a_package_nobody_has", "ModuleNotFoundError: No module named 'a_package_nobody_has'"),
        ("raise RuntimeError('no driver\\nand more')", "RuntimeError: no driver"),
        ("def (", "SyntaxError: "),
        ("", "AttributeError: module 'broken_model' has no attribute 'Twin'"),
    ],
)
def test_a_plugin_that_cannot_be_imported_fails_only_when_asked_for(site_packages, monkeypatch, source, reason):
    offer(site_packages, "msde-broken", "broken_model", source, "broken", version="0.3")
    assert "broken" in names()
    assert Registry("models").get("scan").summary
    with pytest.raises(PluginError) as caught:
        Registry("models").get("broken")
    first, second = str(caught.value).splitlines()
    assert "'broken' of msde-broken 0.3 cannot be imported" in first
    assert reason in first
    assert second == "Reinstall or remove msde-broken."
    monkeypatch.setenv("MSDE_STRICT_PLUGINS", "1")
    with pytest.raises((ImportError, RuntimeError, SyntaxError, AttributeError)):
        Registry("models").get("broken")


@pytest.mark.parametrize(
    "source",
    ["class Twin: pass", "def Twin(classes, options): pass", "from msde_toolkit.interfaces import Loss as Twin"],
)
def test_a_plugin_of_the_wrong_kind_is_refused(site_packages, source):
    offer(site_packages, "msde-wrong", "wrong_model", source, "wrong")
    with pytest.raises(PluginError, match=r"wrong_model:Twin\) is not a subclass of msde_toolkit\.interfaces\.Model"):
        Registry("models").get("wrong")


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (None, {"alpha", "beta"}),
        ("", set()),
        ("somebody-else", set()),
        ("msde-alpha", {"alpha"}),
        (" MSDE_Beta , somebody-else", {"beta"}),
        ("msde-alpha,msde-beta", {"alpha", "beta"}),
    ],
)
def test_third_parties_can_be_switched_off(site_packages, monkeypatch, value, seen):
    offer(site_packages, "msde-alpha", "alpha_model", TWIN.format("alpha"), "alpha")
    offer(site_packages, "msde-beta", "beta_model", TWIN.format("beta"), "beta")
    if value is not None:
        monkeypatch.setenv("MSDE_PLUGINS", value)
    assert names() & {"alpha", "beta"} == seen
    assert {"resnet18", "scan"} <= names()


def test_no_plugins_says_why_a_name_is_missing_also_in_child_processes(site_packages, monkeypatch):
    offer(site_packages, "msde-alpha", "alpha_model", TWIN.format("alpha"), "alpha")
    monkeypatch.setenv("MSDE_PLUGINS", "msde-alpha")  # so that what follows is undone after the test
    disable_third_parties()
    with pytest.raises(PluginError, match=r"Unknown model 'alpha'.*third-party plugins are off: MSDE_PLUGINS"):
        Registry("models").get("alpha")
    assert os.environ["MSDE_PLUGINS"] == ""


def test_names_are_listed_without_importing_a_plugin_or_torch(site_packages):
    offer(site_packages, "msde-alpha", "alpha_model", "raise SystemExit('imported')", "alpha")
    script = """
        import json, sys
        from msde_toolkit.registry import KINDS, Registry
        names = {kind: [info.name for info in Registry(kind).plugins()] for kind in KINDS}
        print(json.dumps([names, sorted({module.partition(".")[0] for module in sys.modules})]))
    """
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(line.strip() for line in script.splitlines())],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(site_packages), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=True,
    )
    listed, imported = json.loads(done.stdout)
    assert set(listed) == set(KINDS)
    assert {"alpha", "resnet18", "scan"} <= set(listed["models"])
    heavy = {"torch", "torchvision", "pandas", "numpy", "matplotlib", "pydantic", "alpha_model"}
    assert not heavy & set(imported)
    assert {module for module in imported if module.startswith("msde_")} == {"msde_toolkit"}


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ("surgical", "surgical"),
        ("template:n95-white", "template:n95-white"),
        ("template:./mine.toml", "template:mine"),
        ("template:/some/folder/mine.toml", "template:mine"),
        ("template:C:\\masks\\mine.toml", "template:mine"),
    ],
)
def test_a_plugin_with_a_file_is_called_alike_wherever_the_file_is(asked, word):
    assert shown_name(asked) == word


def test_what_is_installed_and_removed_meanwhile_is_noticed(site_packages):
    assert "late" not in Registry("models")
    install(site_packages, "msde-late", "1.0", {"msde.models": {"late": "late_module:Late"}})
    assert Registry("models").info("late").version == "1.0"
    shutil.rmtree(site_packages / "msde_late-1.0.dist-info")
    assert "late" not in Registry("models")
