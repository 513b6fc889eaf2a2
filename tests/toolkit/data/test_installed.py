"""The datasets that are installed, with what each says of itself; a broken one does not hide the others."""

from installed import install

from msde_toolkit.data.installed import installed_datasets

SOURCE = """
    from typing import Literal
    from pydantic import Field
    from msde_toolkit.interfaces import Dataset, DatasetOptions

    print("a word of the plugin")

    class Own(Dataset):
        summary = "My photos"
        licence = "mine"
        root_hint = "my folder"
        classes = ("calm", "tense")

        class Options(DatasetOptions):
            classes: Literal["two", "three"] = Field("two", description="How many.")

    class Drawn(Dataset):
        synthetic = True
        root_hint = ""
"""


def listed():
    return {dataset.info.name: dataset for dataset in installed_datasets()}


def test_what_a_dataset_says_of_itself(site_packages):
    names = {"own": "own_data:Own", "drawn": "own_data:Drawn"}
    install(site_packages, "msde-own", "2.1", {"msde.datasets": names}, own_data=SOURCE)
    found = listed()
    assert found["own"].as_dict() == {
        "name": "own",
        "distribution": "msde-own",
        "version": "2.1",
        "target": "own_data:Own",
        "works": True,
        "reason": "",
        "summary": "My photos",
        "root": "my folder",
        "labels": "calm, tense",
        "label_choices": ["two", "three"],
        "licence": "mine",
        "synthetic": False,
    }
    drawn = found["drawn"]
    assert (drawn.synthetic, drawn.root, drawn.labels, drawn.label_choices) == (True, "", "seven", ())


def test_broken_ones_and_names_claimed_twice_are_listed(site_packages):
    entries = {"msde.datasets": {"own": "own_data:Own", "lost": "no_such_module:Own", "text": "own_data:SOURCE"}}
    install(site_packages, "msde-own", "2.1", entries, own_data=SOURCE + "\n    SOURCE = 'no class'\n")
    install(site_packages, "msde-other", "1", {"msde.datasets": {"own": "own_data:Own"}})
    found = installed_datasets()
    assert [dataset.info.distribution for dataset in found if dataset.info.name == "own"] == ["msde-other", "msde-own"]
    reasons = {dataset.info.name: dataset.broken for dataset in found}
    assert "no_such_module" in reasons["lost"]
    assert "not a subclass" in reasons["text"]
    assert "\n" not in reasons["lost"]
    assert reasons["own"] == "" == reasons["synthetic"]


def test_the_toolkits_own():
    found = listed()
    labels = {"synthetic": "seven", "affectnet": "eight", "mlfw": "three"}
    assert {name: found[name].labels for name in labels} == labels
    assert found["ferplus"].label_choices == ("eight", "seven")
    assert [name for name, dataset in found.items() if dataset.synthetic] == ["synthetic"]
    assert all(dataset.summary and dataset.licence for dataset in found.values() if not dataset.broken)
