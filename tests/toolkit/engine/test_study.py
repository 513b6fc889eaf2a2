"""Studies: declared whole, trained on the same folds, gone on with, and grown only outside the family."""

from __future__ import annotations

import json

import pytest
from stop_after import StopAfter

from msde_toolkit.engine.study.definition import Study, load_study
from msde_toolkit.engine.study.run_study import run_study
from msde_toolkit.errors import InputError, Interrupted, MsdeError
from msde_toolkit.results.study import open_study

CE = {"name": "ce", "model": "tiny", "loss": "ce"}
PAIRS = {"name": "pairs", "model": "tiny", "loss": "watch-pairs"}
OTHER = {"name": "other", "data": "dots", "set_data": {"subjects": 12}}


def study(**more):
    values = {
        "name": "two",
        "data": {"name": "dots", "set_data": {"subjects": 6}},
        "folds": 2,
        "device": "cpu",
        "precision": "fp32",
        "set_train": {"epochs": 2, "image_size": 20, "checkpoint_seconds": 0},
        "method": [CE, PAIRS],
        "target": [OTHER],
        "primary": {"baseline": "ce", "margin": 0.05},
    }
    return Study.create(**{**values, **more})


@pytest.fixture(scope="module")
def done(tiny, tmp_path_factory):
    return run_study(study(), tmp_path_factory.mktemp("study") / "two").directory


@pytest.fixture
def copy(done, tmp_path):
    """A study that a test may change."""
    import shutil

    return shutil.copytree(done, tmp_path / "two")


def test_every_method_is_trained_on_the_same_folds_and_tested_on_every_target(done):
    opened = open_study(done)
    assert opened.methods == tuple(opened.runs) == ("ce", "pairs")
    assert set(opened.evaluations) == {("ce", "other"), ("pairs", "other")}
    assert opened.unfinished == ()
    folds = json.loads((done / "folds.json").read_text())["folds"]
    for name in opened.methods:
        assert json.loads((done / "runs" / name / "folds.json").read_text())["folds"] == folds
    first, second = (run.predictions[["id", "fold"]] for run in opened.runs.values())
    assert first.equals(second)
    evaluated = opened.evaluations["ce", "other"]
    assert evaluated.name == "ce--other"
    assert evaluated.summary["evaluates"]["run"] == "ce"


def test_the_declaration_is_there_before_the_first_training(tiny, tmp_path):
    with pytest.raises(Interrupted, match=r"Go on with: msde run --study .*two"):
        run_study(study(), tmp_path / "two", listeners=[StopAfter(1)])
    opened = open_study(tmp_path / "two")
    assert opened.runs == {}
    assert opened.unfinished == ("ce", "pairs", "ce on other", "pairs on other")
    assert (opened.primary.baseline, opened.primary.methods, opened.primary.margin) == ("ce", ("pairs",), 0.05)
    assert load_study(tmp_path / "two" / "study.toml") == study()


def test_a_stopped_study_goes_on_to_the_same_numbers(done, tmp_path):
    for epochs in (3, 3):
        with pytest.raises(Interrupted):
            run_study(study(), tmp_path / "two", listeners=[StopAfter(epochs)])
    run_study(study(), tmp_path / "two")
    before, after = open_study(done), open_study(tmp_path / "two")
    for pair in before.evaluations:
        assert before.evaluations[pair].summary["metrics"] == after.evaluations[pair].summary["metrics"]
    for name, run in before.runs.items():
        assert run.predictions["logits"].map(tuple).equals(after.runs[name].predictions["logits"].map(tuple))


def test_what_a_kill_leaves_is_no_obstacle(copy):
    """A run's folder without its config, an evaluation without its summary."""
    run, evaluation = copy / "runs" / "pairs", copy / "evaluations" / "ce--other"
    for file in ("config.toml", "summary.json"):
        (run / file).unlink()
    (evaluation / "summary.json").unlink()
    run_study(study(), copy)
    assert open_study(copy).unfinished == ()


def test_what_is_done_is_read_and_not_opened_again(copy):
    (copy / "runs" / "ce" / "manifest.parquet").unlink()
    before = {file: file.stat().st_mtime_ns for file in copy.rglob("*.json")}
    again = run_study(study(), copy)
    assert again.runs["ce"] == copy / "runs" / "ce"
    assert before == {file: file.stat().st_mtime_ns for file in copy.rglob("*.json")}


def test_only_some_methods_are_done_when_asked(tiny, tmp_path):
    done = run_study(study(target=[]), tmp_path / "two", only=["pairs"])
    assert list(done.runs) == ["pairs"]
    assert open_study(tmp_path / "two").unfinished == ("ce",)
    with pytest.raises(InputError, match=r"no method is called 'pear'. Did you mean pairs\?"):
        run_study(study(target=[]), tmp_path / "two", only=["pear"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "seed: was 0, is 1"),
        ({"set_train": {"epochs": 3}}, "set_train: epochs: was 2, is 3"),
        ({"method": [CE], "primary": None}, "method pairs: is missing now"),
        ({"method": [CE, PAIRS | {"set_model": {"width": 4}}]}, "method pairs: set_model: was {}, is {'width': 4}"),
        ({"primary": {"baseline": "pairs"}}, "primary: baseline: was ce, is pairs"),
        ({"target": []}, "target other: is missing now"),
        (
            {
                "method": [CE, PAIRS, CE | {"name": "late"}],
                "primary": {"baseline": "ce", "margin": 0.05, "methods": ["late"]},
            },
            r"primary: methods: was not given, is \['late'\]",
        ),
    ],
)
def test_another_study_in_the_same_folder_is_refused(done, change, message):
    with pytest.raises(InputError, match=message):
        run_study(study(**change), done)


def test_a_study_that_has_not_begun_may_be_declared_otherwise(tiny, tmp_path):
    with pytest.raises(InputError):
        run_study(study(), tmp_path / "two", only=["no"])
    from msde_toolkit.engine.study.declare import declare
    from msde_toolkit.results.study_files import StudyFolder

    declare(study(), StudyFolder(tmp_path / "two"), None, None)
    run_study(study(seed=1, target=[]), tmp_path / "two", only=["ce"])
    assert open_study(tmp_path / "two").definition["seed"] == 1


def test_a_method_and_a_target_that_come_later_stay_outside_the_family(copy):
    late, new = CE | {"name": "late", "train_on": "nm"}, OTHER | {"name": "new"}
    run_study(study(method=[CE, PAIRS, late], target=[OTHER, new]), copy, only=["late"])
    opened = open_study(copy)
    assert opened.primary.methods == ("pairs",)
    assert set(opened.added) == {"late", "new"}
    assert opened.declared < opened.added["late"] or opened.declared[:10] == opened.added["late"][:10]
    assert ("late", "new") in opened.evaluations
    with pytest.raises(InputError, match="method late: is missing now"):
        run_study(study(), copy)


def test_other_data_is_refused(tiny, copy, tmp_path):
    data = {"name": "dots", "set_data": {"subjects": 6}}
    with pytest.raises(InputError, match=r"data.sha256 is 000000000000..., but this dots has [0-9a-f]{64}"):
        run_study(study(data=data | {"sha256": "0" * 64}), tmp_path / "new")
    sha = open_study(copy).data["manifest_sha256"]
    run_study(study(data=data | {"sha256": sha}, method=[CE], target=[], primary=None), tmp_path / "new")
    facts = json.loads((copy / "study.json").read_text())
    (copy / "study.json").write_text(json.dumps(facts | {"data": {"manifest_sha256": "1" * 64}}))
    (copy / "runs" / "ce" / "summary.json").unlink()
    with pytest.raises(InputError, match="method ce: study two: dots is not the data that it was declared for"):
        run_study(study(), copy)


def test_a_dataset_with_its_own_split_needs_no_folds(tiny, tmp_path):
    data = {"name": "dots", "set_data": {"subjects": 6, "split": "subjects"}}
    with pytest.raises(InputError, match="comes with its own train/test split"):
        run_study(study(data=data), tmp_path / "two")
    run_study(study(data=data, folds=None, target=[], method=[CE], primary=None), tmp_path / "two")
    assert not (tmp_path / "two" / "folds.json").exists()
    assert open_study(tmp_path / "two").runs["ce"].summary["folds"] == ["00"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": [CE, PAIRS | {"loss": "nothing"}]}, "method pairs: Unknown loss 'nothing'"),
        ({"method": [CE, PAIRS | {"model": "nothing"}]}, "method pairs: Unknown model 'nothing'"),
        ({"method": [CE, PAIRS | {"train_on": "nm"}]}, "method pairs: --loss watch-pairs needs pairs"),
        ({"method": [CE, PAIRS | {"set_loss": {"x": 1}}]}, "method pairs: loss.x: unknown option"),
        ({"data": {"name": "dots", "set_data": {"conditions": ["nm"]}}}, "method pairs: --train-on pairs: dots has no"),
        ({"target": [OTHER | {"set_data": {"x": 1}}]}, "target other: data.x: unknown option"),
        ({"target": [OTHER | {"split": "test"}]}, "target other: --split test: dots has no such split"),
    ],
)
def test_everything_is_checked_before_anything_is_written(tiny, tmp_path, change, message):
    with pytest.raises(MsdeError, match=message):
        run_study(study(**change), tmp_path / "two")
    assert not (tmp_path / "two").exists()


def test_a_folder_of_something_else_is_left_alone(tiny, tmp_path):
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "thesis.tex").touch()
    with pytest.raises(InputError, match="holds no study"):
        run_study(study(), tmp_path / "two")
    with pytest.raises(InputError, match="is a file"):
        run_study(study(), tmp_path / "two" / "thesis.tex")


def test_two_processes_do_not_train_the_same_method(tiny, tmp_path):
    from filelock import FileLock

    (tmp_path / "two" / "runs").mkdir(parents=True)
    from msde_toolkit.engine.study.parts import alone

    place = tmp_path / "two" / "runs" / "ce"
    with (
        FileLock(place.parent / ".ce.lock"),
        pytest.raises(InputError, match="method ce: another process is at it"),
        alone(place, "method ce"),
    ):
        pass
