"""A subject withdraws: which models saw them, by teachers, starting weights and evaluations; what the cache loses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from stop_after import StopAfter

import msde_toolkit as msde
from msde_toolkit.data.beside_manifest import Holdings
from msde_toolkit.data.image_cache import entries
from msde_toolkit.data.source import open_source
from msde_toolkit.data.usable import unreadable
from msde_toolkit.engine.evaluate import Target, evaluate
from msde_toolkit.engine.prepare import prepare
from msde_toolkit.engine.withdraw import find
from msde_toolkit.errors import InputError, Interrupted
from msde_toolkit.results.taint import Checkpoint, Withdrawn, mark, tainted, withdrawn_from

WHO = "s5"
RUNS = Path("runs")
PHOTOS = {"data": "photos", "root": "photos"}
MODEL = "model.safetensors"
SHORT = {"epochs": 1, "image_size": 20, "schedule": "constant", "lr_backbone": 0.02, "lr_head": 0.02}


def run(name, listeners=(), **more):
    values = {"model": "tiny", "loss": "ce", "data": "dots", "folds": 2, "precision": "fp32", "device": "cpu"}
    values |= more | {"set_train": SHORT | more.get("set_train", {})}
    return msde.run(msde.RunConfig.create(**values), out=RUNS / name, listeners=listeners)


def fold_that_tests(who, name="plain"):
    folds = json.loads((RUNS / name / "folds.json").read_text())["folds"]
    (fold,) = [fold["fold"] for fold in folds if who in fold["test"]]
    return fold


def fold_that_saw(who, name="plain"):
    return {"00": "01", "01": "00"}[fold_that_tests(who, name)]


def file_of(fold):
    return str((RUNS / "plain" / "folds" / fold / MODEL).resolve())


@pytest.fixture(scope="module")
def made(tiny, tmp_path_factory):
    """Runs of every descent, and what they left in the cache."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MSDE_CACHE", str(folder / "cache"))
        draw_photos(folder / "photos")
        run("plain")
        run("probe", model="still")
        run("second", weights="run:runs/plain")
        run("student", loss="taught")
        run("given", loss="taught", teacher="runs/second")
        run("elsewhere", **PHOTOS, weights="run:runs/second")
        run("of a file", **PHOTOS, weights=file_of(fold_that_saw(WHO)))
        run("of another file", **PHOTOS, weights=file_of(fold_that_tests(WHO)))
        run("without", set_data={"subjects": 4})
        evaluate("runs/elsewhere", Target("dots", set_data={"subjects": 4}), out=RUNS / "evaluation")
    return folder


@pytest.fixture
def world(made, tmp_path, monkeypatch):
    """A copy to withdraw from; the working folder."""
    shutil.copytree(made, tmp_path / "world")
    monkeypatch.chdir(tmp_path / "world")
    monkeypatch.setenv("MSDE_CACHE", str(tmp_path / "world" / "cache"))
    return tmp_path / "world"


def draw_photos(folder):
    from PIL import Image

    folder.mkdir()
    rng = np.random.default_rng(0)
    for who in ("p0", "p1"):
        for label in (0, 1):
            Image.fromarray(rng.integers(0, 255, (20, 20, 3), dtype=np.uint8)).save(folder / f"{who}-{label}.png")


def look(who=WHO, runs=(RUNS,), **options):
    manifest = open_source("dots", None, {"subjects": 6} | options).manifest
    return find(Holdings(manifest, who), list(runs))


def told(withdrawal):
    return {seen["run"]: seen for seen in withdrawal.document()["runs"]}


def test_every_model_that_saw_the_subject_is_named_with_its_descent(world):
    runs = told(look())
    assert set(runs) == {"plain", "probe", "second", "student", "given", "elsewhere", "of a file", "evaluation"}
    why = {name: "; ".join(seen["why"]) for name, seen in runs.items()}
    assert why["plain"] == why["probe"] == "trained on them"
    assert why["second"] == "trained on them; started from run plain"
    assert why["student"] == "trained on them; taught by a teacher that was trained on them"
    assert why["given"] == "trained on them; taught by run second"
    assert why["elsewhere"] == "started from run second", "a run on other people, two steps away"
    assert why["of a file"] == "started from run plain"
    assert why["evaluation"] == "holds the models of run elsewhere"
    for name, seen in runs.items():
        folds = [place["fold"] for place in seen["checkpoints"]]
        assert folds == (["00", "01"] if name == "of a file" else [fold_that_saw(WHO)]), name
        assert seen["not_affected"] == 2 - len(folds)
        assert all(Path(place["file"]).is_file() for place in seen["checkpoints"])


def test_looking_changes_nothing(world):
    def files():
        return {path: path.stat().st_mtime_ns for path in world.rglob("*") if path.is_file()}

    before = files()
    look()
    assert files() == before


def test_runs_are_marked_once_and_the_mark_is_shown(world):
    look().carry_out()
    (withdrawn,) = withdrawn_from(RUNS / "given")
    assert (withdrawn.dataset, withdrawn.subject) == ("dots", WHO)
    assert withdrawn.checkpoints == (Checkpoint(fold=fold_that_saw(WHO)),)
    opened = msde.open_run(RUNS / "plain")
    assert opened.title.startswith("TAINTED: tiny + ce")
    assert opened.tainted == (str(withdrawn_from(RUNS / "plain")[0]),)
    assert not tainted(RUNS / "without")
    assert not tainted(RUNS / "of another file")
    before = {path: path.read_bytes() for path in RUNS.rglob("tainted.json")}
    look().carry_out()
    assert {path: path.read_bytes() for path in RUNS.rglob("tainted.json")} == before
    mark(RUNS / "plain", Withdrawn.now("dots", "s4", ["trained on them"], []))
    assert [known.subject for known in withdrawn_from(RUNS / "plain")] == [WHO, "s4"]


def test_a_run_that_comes_from_a_tainted_one_says_so(world):
    mark(RUNS / "plain", Withdrawn.now("dots", WHO, ["trained on them"], [Checkpoint(fold="00")]))
    values = {"model": "tiny", "data": "dots", "folds": 2, "device": "cpu", "precision": "fp32", "set_train": SHORT}
    started = prepare(msde.RunConfig.create(**values, loss="ce", weights="run:runs/plain")).notes
    taught = prepare(msde.RunConfig.create(**values, loss="taught", teacher="run:runs/plain")).notes
    assert any(note.startswith(f"TAINTED, the weights of run plain: {WHO} of dots withdrew") for note in started)
    assert any(note.startswith(f"TAINTED, the teacher (run plain): {WHO} of dots withdrew") for note in taught)
    done = evaluate("runs/plain", Target("dots", set_data={"subjects": 4}), out=RUNS / "again")
    assert any(note.startswith(f"TAINTED, the models of run plain: {WHO}") for note in done.summary["notes"])


def test_the_cache_keeps_nothing_of_the_dataset_and_everything_of_others(world):
    cache = world / "cache"
    source = open_source("dots", None, {"subjects": 6})
    unreadable(source.dataset, source.manifest)
    (cache / "images" / "old.npy").write_bytes(b"of a version that did not note whose it is")
    (cache / "features" / "old.npy").write_bytes(b"the same")
    (cache / "images" / "tmpx.partial").write_bytes(b"left by a kill")
    (cache / "teachers" / "broken").mkdir()
    assert {entry.facts["dataset"] for entry in entries("features") if entry.facts} == {"dots"}
    assert [path for path in (cache / "teachers").iterdir() if path.is_dir() and path.name != "broken"]
    look().carry_out()
    left = [path for part in ("images", "features", "teachers") for path in (cache / part).iterdir()]
    assert left
    assert {json.loads(path.read_text())["dataset"] for path in left if path.suffix == ".json"} == {"photos"}
    assert len(left) == 2, "decoded photos and what is noted of them"


def test_features_are_found_by_their_images_where_they_were_made_under_another_name(world):
    (facts,) = (world / "cache/features").glob("*.json")
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"dataset": "a copy"}))
    look().carry_out()
    assert not list((world / "cache/features").iterdir())


def test_a_teacher_of_the_subject_goes_and_others_stay(world):
    run("student without", loss="taught", set_data={"subjects": 4})
    before = {path.name for path in Path("cache/teachers").iterdir()}
    look().carry_out()
    after = {path.name for path in Path("cache/teachers").iterdir()}
    kept = msde.open_run(RUNS / "student without").summary["teacher"]["id"]
    gone = msde.open_run(RUNS / "student").summary["teacher"]["id"]
    assert after == {kept, f"{kept}.lock"}
    assert before - after == {gone, f"{gone}.lock"}


def test_a_shared_teacher_taints_every_student(world):
    run("shared", loss="taught", set_train={"shared_teacher": True})
    seen = told(look())["shared"]
    assert [place["fold"] for place in seen["checkpoints"]] == ["00", "01"]


def test_an_epoch_that_was_chosen_on_them_counts(world):
    run("chosen", select="test")
    assert len(told(look())["chosen"]["checkpoints"]) == 2


def test_what_a_model_did_not_see_it_does_not_count(world):
    """All of a run's images of the subject are masked, and it trains on the unmasked."""
    run("unmasked", train_on="nm")
    frame = msde.load_manifest(RUNS / "unmasked/manifest.parquet")
    kept = ~((frame.frame["subject"] == WHO) & (frame.frame["condition"] == "nm")).to_numpy()
    frame.take(kept).save(RUNS / "unmasked/manifest.parquet")
    seen = told(look())["unmasked"]
    assert (seen["why"], seen["checkpoints"]) == (["tested on them"], [])


def test_an_unfinished_run_counts_with_its_half_trained_models(world):
    with pytest.raises(Interrupted):
        run("stopped", [StopAfter(1)], set_train={"epochs": 2, "checkpoint_seconds": 0})
    who = next(f"s{number}" for number in range(6) if fold_that_saw(f"s{number}", "stopped") == "00")
    seen = told(look(who))["stopped"]
    assert [place["fold"] for place in seen["checkpoints"]] == ["00"]
    assert not Path(seen["checkpoints"][0]["file"]).exists()


def test_a_run_that_lost_its_small_files_is_taken_to_have_seen_everybody(world):
    (RUNS / "plain/folds.json").unlink()
    (RUNS / "probe/provenance.json").write_text("{")
    runs = told(look())
    assert [len(runs[name]["checkpoints"]) for name in ("plain", "probe")] == [2, 2]
    (RUNS / "probe/manifest.parquet").write_bytes(b"no table")
    assert list(look().unread) == [RUNS / "probe"]


def test_descent_is_followed_out_of_the_folder_and_told_where_it_is_lost(world):
    (world / "old").mkdir()
    (RUNS / "second").rename(world / "old/second")
    assert look().untraced == (
        (RUNS / "elsewhere", "started from run second"),
        (RUNS / "given", "taught by run second"),
    )
    config = RUNS / "elsewhere/config.toml"
    config.write_text(config.read_text().replace("run:runs/second", "run:old/second"))
    withdrawal = look()
    assert told(withdrawal)["second"]["directory"] == str(world / "old/second")
    withdrawal.carry_out()
    assert tainted(world / "old/second")
    assert tainted(RUNS / "evaluation")
    assert not look(runs=[world]).untraced, "found by name"


def test_where_subjects_are_unknown_a_pair_is_named(world):
    run("unknown", set_data={"known": False, "subjects": 3})
    withdrawal = look(who="pair:s2-3", known=False)
    assert sorted(withdrawal.holdings.ids) == ["s2-3-m", "s2-3-nm"]
    assert len(told(withdrawal)["unknown"]["checkpoints"]) == 1
    shutil.rmtree("cache")
    with pytest.raises(InputError, match=r"does not know its subjects\. Name a sample, id:SAMPLE"):
        look(who="s2-3", runs=(), known=False)


def test_a_run_on_faces_cut_from_the_photos_is_of_the_same_people(world):
    from dataclasses import replace

    stored = msde.load_manifest(RUNS / "plain/manifest.parquet")
    replace(stored, name="dots-faces").save(RUNS / "plain/manifest.parquet")
    assert "plain" in told(look())


def test_a_mark_that_cannot_be_written_stops_nothing_else(world):
    (RUNS / "second/tainted.json").mkdir()
    withdrawal = look()
    withdrawal.carry_out()
    assert list(withdrawal.not_marked) == [RUNS / "second"]
    assert tainted(RUNS / "plain")
    assert not list((world / "cache/features").iterdir())


def test_a_damaged_mark_is_a_mark_and_is_mended(world):
    (RUNS / "plain/tainted.json").write_text('{"withdrawn": 3}')
    assert "damaged" in msde.open_run(RUNS / "plain").tainted[0]
    look().carry_out()
    assert [known.subject for known in withdrawn_from(RUNS / "plain")] == [WHO]


def test_somebody_whom_nobody_knows(world):
    with pytest.raises(InputError, match=r"^S5: no such subject in dots, nor in a run of it\. Did you mean s5"):
        look(who="S5")
    known = look(subjects=4)
    assert not known.holdings.any
    assert "plain" in told(known), "gone from the data, but not from the runs"
