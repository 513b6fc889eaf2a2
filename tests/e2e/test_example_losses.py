"""Three losses as strangers ship them: built, installed beside the toolkit, listed, and trained by the engine."""

import json

from packaging.requirements import Requirement

from msde_toolkit import __version__

LOSSES = {
    "focusface": ("msde-focusface", "msde_focusface.loss:FocusFace"),
    "kd-template": ("msde-kd-template", "msde_kd_template.loss:TemplateDistillation"),
    "kd-triplet": ("msde-kd-triplet", "msde_kd_triplet.loss:TripletDistillation"),
}


def test_they_are_listed_beside_the_toolkits_own_until_they_are_switched_off(environment):
    listed = json.loads(environment.msde("list", "losses", "--json").stdout)
    strangers = {entry["name"]: entry for entry in listed if entry["distribution"] != "msde-toolkit"}
    assert {name: (entry["distribution"], entry["target"]) for name, entry in strangers.items()} == LOSSES
    assert {"ce", "cl", "kd"} <= {entry["name"] for entry in listed}
    alone = json.loads(environment.msde("list", "losses", "--json", "--no-plugins").stdout)
    assert {entry["distribution"] for entry in alone} == {"msde-toolkit"}


def test_each_describes_itself_and_lets_this_toolkit_in(environment):
    code = (
        "import json; from importlib.metadata import requires; from msde_toolkit.registry import Registry\n"
        f"homes = {LOSSES!r}\n"
        "found = {name: (Registry('losses').get(name), requires(home)[0]) for name, (home, _) in homes.items()}\n"
        "print(json.dumps({name: [cls.summary, cls.reference, cls.licence, cls.needs_pairs, cls.needs_teacher, needed,"
        " [field.description for field in cls.Options.model_fields.values()]]"
        " for name, (cls, needed) in found.items()}))"
    )
    for name, facts in json.loads(environment("-c", code).stdout).items():
        summary, reference, licence, pairs, teacher, needed, descriptions = facts
        assert 10 < len(summary) <= 100
        assert reference
        assert licence == "Apache-2.0"
        assert (pairs, teacher) == (True, name != "focusface")
        assert descriptions
        assert all(descriptions)
        assert Requirement(needed).name == "msde-toolkit"
        assert Requirement(needed).specifier.contains(__version__)
        assert not Requirement(needed).specifier.contains("0.2.0")


TERMS = {"focusface": {"ce", "mask", "contrastive"}, "kd-triplet": {"ce", "triplet"}}


def test_the_engine_trains_their_head_and_their_teacher(environment):
    settings = ("data.subjects=4", "data.size=64", "train.image_size=32", "train.epochs=1", "train.batch_size=28")
    small = ["--folds", "2", "--device", "cpu", *(word for setting in settings for word in ("--set", setting))]
    environment.each(
        *(["run", "--model", "tinynet", "--loss", loss, "--out", loss, "--quiet", *small] for loss in TERMS)
    )
    for loss, terms in TERMS.items():
        summary, provenance = (
            json.loads((environment.folder / loss / file).read_text()) for file in ("summary.json", "provenance.json")
        )
        assert (summary["loss"], summary["status"]) == (loss, "complete")
        assert set(summary["terms"]) == terms
        assert all(shares["gradient_share"]["mean"] > 0 for shares in summary["terms"].values())
        assert provenance["plugins"]["loss"]["distribution"] == LOSSES[loss][0]
