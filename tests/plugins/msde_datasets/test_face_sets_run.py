"""Each set of faces in folders, and a table, trains and is shown from its layout alone."""

import json

import pytest
from face_layouts import LAYOUTS, ck48, face, mlfw, msde

import msde_toolkit
from msde_toolkit.cli.app import main

QUICK = {"epochs": 1, "image_size": 32, "batch_size": 16}
UNMASKED = {"ckplus": 42, "fedro": 21, "folder": 14, "jaffe": 28, "msde": 28, "table": 14}
MASKED = {"mlfw": 3, "msde": 27}
SUBJECTS = {"ckplus", "jaffe", "mlfw", "msde", "table"}


def shown(capsys, *words):
    with pytest.raises(SystemExit) as end:
        main(["data", "show", *map(str, words), "--json"])
    captured = capsys.readouterr()
    assert not end.value.code, captured.err
    return json.loads(captured.out)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_run_on_each_set(tiny, tmp_path, name):
    loss = "cl" if name == "msde" else "ce"
    config = msde_toolkit.RunConfig.create(
        model=tiny,
        precision="fp32",
        loss=loss,
        data=name,
        root=LAYOUTS[name](tmp_path / name),
        folds=None if name == "mlfw" else 2,
        set_train=QUICK,
    )
    summary = msde_toolkit.run(config, out=tmp_path / "run").summary
    assert summary["status"] == "complete"
    tested = {word: metrics["n"] for word, metrics in summary["metrics"].items() if word in ("nm", "m") and metrics}
    assert (tested.get("nm"), tested.get("m")) == (UNMASKED.get(name), MASKED.get(name))
    assert summary["identity"] == ("independent" if name in SUBJECTS else "unknown")


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_set_is_shown(tmp_path, capsys, name):
    document = shown(capsys, name, "--root", LAYOUTS[name](tmp_path / name))
    total = document["table"][-1]
    assert document["samples"] == total["all"] == sum(row["all"] for row in document["table"][:-1])
    assert document["subjects"] is not None or name not in SUBJECTS
    assert [row["class"] for row in document["table"][:-1]] == document["classes"]
    if name == "mlfw":
        assert document["splits"] == {"test": 3, "train": 6}
        assert document["classes"] == ["positive", "negative", "neutral"]
    else:
        assert total["NM"] == UNMASKED[name]
    if name == "msde":
        assert (total["M"], total["pairs"]) == (27, 27)
        assert {row["pairs"] for row in document["table"][:-1]} == {3, 4}


def test_the_other_forms_are_shown(tmp_path, capsys):
    cropped = shown(capsys, "ckplus", "--root", ck48(tmp_path / "CK+48"), "--set", "data.classes=eight")
    assert {row["class"]: row["all"] for row in cropped["table"]}["contempt"] == 12
    both = shown(capsys, "mlfw", "--root", mlfw(tmp_path / "lfw", ("LFW-FER", "M-LFW-FER")))
    assert both["pairs"] == 9
    only_pairs = shown(capsys, "msde", "--root", msde(tmp_path / "MSD"), "--set", "data.set=pairs")
    assert (only_pairs["samples"], only_pairs["pairs"]) == (54, 27)


def test_options_of_class_folders_on_the_command_line(tmp_path, capsys):
    for name in ("s1_nm", "s1_m", "s2_nm"):
        face(tmp_path / "own" / "1" / f"{name}.png")
        face(tmp_path / "own" / "Sadness" / f"{name}.png")
    pattern = r"(?P<subject>s\d+)_(?P<condition>\w+)"
    settings = ("--set", "data.names=1=happy", "--set", f"data.pattern={pattern}")
    document = shown(capsys, "folder", "--root", tmp_path / "own", *settings)
    assert document["subjects"] == 2
    assert {row["class"]: (row["NM"], row["M"]) for row in document["table"]}["happy"] == (2, 1)
