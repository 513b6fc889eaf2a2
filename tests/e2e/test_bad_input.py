"""Bad input: ours in one or two lines, exit 2, nothing left behind."""

import json
import shutil
from pathlib import Path

import pytest
from command import TINY
from installed import install
from PIL import Image

RUN = ["run", "--model", "resnet18", "--loss", "ce"]
GOOD_ROW = "3," + " ".join(["7"] * 2304) + ","


@pytest.fixture
def csv(tmp_path_factory):
    """A FER2013 file of 14 training and 7 test rows."""
    file = tmp_path_factory.mktemp("fer") / "fer2013.csv"
    rows = [
        f"{n % 7}," + " ".join([str(10 * n % 256)] * 2304) + "," + ("Training" if n < 14 else "PublicTest")
        for n in range(21)
    ]
    file.write_text("emotion,pixels,Usage\n" + "\n".join(rows) + "\n")
    return file


def refused(done, *words):
    """Exit 2, one or two lines that hold these words, no traceback, an empty working folder."""
    assert done.code == 2, (done.code, done.out, done.err)
    assert done.out == ""
    lines = [line for line in done.err.splitlines() if line.strip()]
    for word in words:
        assert word in done.err, done.err
    assert "Traceback" not in done.err
    errors = [number for number, line in enumerate(lines) if line.startswith("Error: ")]
    assert len(errors) == 1, done.err
    assert len(lines) - errors[0] <= 2, done.err
    assert not [path for path in Path.cwd().iterdir() if path.name != "given"], "something was left behind"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--model", "scn", "--loss", "cl"], ["'scn'", "Did you mean scan"]),
        (["run", "--model", "scan", "--loss", "cll"], ["'cll'", "cl"]),
        (["run", "--model", "scan"], ["--loss"]),
        (["run"], ["--model"]),
        ([*RUN, "--data", "fer213"], ["Did you mean fer2013"]),
        ([*RUN, "--data", "fer2013"], ["--root"]),
        ([*RUN, "--data", "fer2013", "--root", "nowhere.csv"], ["nowhere.csv"]),
        ([*RUN, "--root", "x"], ["leave out --root"]),
        ([*RUN, "--set", "loss.mse_wieght=1"], ["loss.mse_wieght"]),
        (["run", "--model", "scan", "--loss", "cl", "--set", "loss.mse_wieght=1"], ["Did you mean loss.mse_weight"]),
        (["run", "--model", "scan", "--loss", "cl", "--set", "loss.mse_weight=much"], ["loss.mse_weight", "number"]),
        (["run", "--model", "scan", "--loss", "cl", "--train-on", "nm"], ["needs pairs"]),
        (["run", "--model", "scan", "--loss", "cl", "--set", "model.backbone=vgg"], ["model.backbone", "resnet50"]),
        ([*RUN, "--set", "nonsense"], ["ROLE.KEY=VALUE"]),
        ([*RUN, "--set", "foo.bar=1"], ["'foo'"]),
        ([*RUN, "--set", "trian.epochs=1"], ["Did you mean train"]),
        ([*RUN, "--set", "train.epochs=zero"], ["train.epochs", "integer"]),
        ([*RUN, "--set", "train.epochs=0"], ["train.epochs"]),
        ([*RUN, "--set", "train.lr_head=inf"], ["train.lr_head", "finite"]),
        ([*RUN, "--set", "train.lr_head=nan"], ["train.lr_head"]),
        ([*RUN, "--set", "train.milestones=3"], ["train.milestones", "a list such as"]),
        ([*RUN, "--set", "train.image_size=16"], ["train.image_size"]),
        ([*RUN, "--set", "train.image_size=100000"], ["train.image_size"]),
        ([*RUN, "--set", "mask.jitter=1"], ["--mask"]),
        ([*RUN, "--set", "data.subjects=0"], ["data.subjects"]),
        ([*RUN, "--mask", "surgicl", *TINY], ["Did you mean surgical"]),
        ([*RUN, "--mask", "surgical", *TINY], ["masked images"]),
        ([*RUN, "--folds", "1", *TINY[:-2]], ["at least 2 folds"]),
        ([*RUN, "--folds", "0", *TINY[:-2]], ["at least 2 folds"]),
        ([*RUN, "--folds", "-3", *TINY[:-2]], ["at least 2 folds"]),
        ([*RUN, "--folds", "7", *TINY[:-2]], ["only 6 subjects"]),
        ([*RUN, "--folds", "none.json", *TINY[:-2]], ["no such file"]),
        ([*RUN, "--device", "tpu"], ["Devices: auto, cpu, cuda, mps"]),
        ([*RUN, "--precision", "fp8"], ["--precision", "bf16"]),
        ([*RUN, "--preset", "fast"], ["--preset", "quick"]),
        ([*RUN, "--select", "best"], ["--select", "inner"]),
        ([*RUN, "--select", "inner", *TINY, "--set", "data.subjects=2"], ["too few training subjects"]),
        ([*RUN, "--train-on", "all"], ["--train_on", "mix"]),
        ([*RUN, "--repeats", "0"], ["--repeats"]),
        ([*RUN, "--seed", "-1"], ["--seed"]),
        ([*RUN, "--weights", "missing.pt", *TINY], ["missing.pt"]),
        ([*RUN, "--config", "missing.toml"], ["missing.toml"]),
        ([*RUN, "--out", "/proc/version/x", *TINY], ["/proc/version"]),
        ([*RUN, "--out", "/proc/x", *TINY], ["/proc/x", "cannot be written"]),
        ([*RUN, "--out", "x" * 300, *TINY], ["cannot be used", "too long"]),
        (["run", "--resume", "nowhere"], ["nowhere", "not a run"]),
        (["analyze", "gradcan"], ["Did you mean gradcam"]),
        (["analyze", "gradcam"], ["no finished run", "msde run"]),
        (["analyze", "gradcam", "--run", "nowhere"], ["not a run"]),
        (["analyze", "gradcam", "--set", "model.x=1"], ["'model'"]),
        (["list", "modles"], ["Kinds: models"]),
        (["list", "models", "scn"], ["scan"]),
        (["data", "show", "synthetik"], ["synthetic"]),
        (["data", "show", "fer2013"], ["--root"]),
        (["runs", "nowhere"], ["no such folder"]),
    ],
    ids=lambda value: " ".join(value)[:70] if isinstance(value, list) else None,
)
def test_wrong_words(msde, words, said):
    refused(msde(*words), *said)


def test_a_gpu_that_is_not_there(msde):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    refused(msde(*RUN, "--device", "cuda"), "not available", "--device auto or cpu")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("emotion,pixls,Usage\n" + GOOD_ROW + "Training\n", "pixels"),
        ("emotion,pixels,Usage\n" + GOOD_ROW + "Training\n3,1 2 3,PublicTest\n", "line 3"),
        ("emotion,pixels,Usage\n" + GOOD_ROW + "Training\n3," + " ".join(["x"] * 2304) + ",PublicTest\n", "line 3"),
        ("emotion,pixels,Usage\n" + GOOD_ROW + "Training\n9" + GOOD_ROW[1:] + "PublicTest\n", "line 3"),
        ("emotion,pixels,Usage\n" + GOOD_ROW + "Training\n3," + "7\n", "line 3"),
    ],
    ids=["empty", "wrong column", "short row", "not numbers", "label 9", "short line"],
)
def test_a_damaged_csv(msde, tmp_path_factory, text, said):
    file = tmp_path_factory.mktemp("csv") / "fer.csv"
    file.write_text(text)
    refused(msde(*RUN, "--data", "fer2013", "--root", file), said, "fer.csv")


def test_what_a_dataset_with_a_split_cannot_do(msde, csv):
    fer = [*RUN, "--data", "fer2013", "--root", csv]
    refused(msde(*fer, "--folds", 3), "own train/test split")
    refused(msde(*fer, "--train-on", "m"), "no images of condition 'm'")
    refused(msde("run", "--model", "resnet18", "--loss", "cl", "--data", "fer2013", "--root", csv), "--mask surgical")
    masked = [*fer, "--mask", "surgical", "--set", "mask.jitter=-1"]
    refused(msde(*masked), "mask.jitter")


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("Training", "needs 'train' and 'test' (it has train)"),
        ("PublicTest", "needs 'train' and 'test' (it has test)"),
        ("one", "a single image to train on"),
        ("nothing", "no rows"),
    ],
)
def test_a_split_that_cannot_be_trained_or_tested(msde, csv, kept, said):
    header, *rows = csv.read_text().splitlines()
    chosen = [row for row in rows if row.endswith(kept)] if kept != "one" else [rows[0], *rows[14:]]
    csv.write_text("\n".join([header, *chosen]) + "\n")
    refused(msde(*RUN, "--data", "fer2013", "--root", csv, "--set", "train.image_size=32"), said)


FOLDERS = '''
    import pandas as pd
    from msde_toolkit.interfaces import Dataset
    from msde_toolkit.types import Manifest

    class ClassFolders(Dataset):
        """Images in one folder a class."""

        def load(self, root, options):
            rows = [
                {"id": file.stem, "path": f"{name}/{file.name}", "label": label}
                for label, name in enumerate(self.classes)
                for file in sorted((root / name).glob("*"))
            ]
            return Manifest.from_frame(pd.DataFrame(rows), "class-folders", root=self.require_root(root))
'''


@pytest.mark.parametrize(
    "content", [b"", b"no image", "cut", None], ids=["empty", "text", "cut off", "a folder of that name"]
)
def test_a_broken_image_is_named(msde, tmp_path_factory, monkeypatch, content):
    site, root = tmp_path_factory.mktemp("site-packages"), tmp_path_factory.mktemp("photos")
    install(
        site, "msde-folders", "1.0", {"msde.datasets": {"folders": "class_folders:ClassFolders"}}, class_folders=FOLDERS
    )
    monkeypatch.syspath_prepend(str(site))
    for name in ("happy", "sad"):
        (root / name).mkdir()
        for number in range(3):
            Image.new("RGB", (40, 40), (80 * number, 90, 30)).save(root / name / f"{name}{number}.png")
    broken = root / "sad" / "sad1.png"
    whole = broken.read_bytes()
    broken.unlink()
    if content is None:
        broken.mkdir()
    else:
        broken.write_bytes(whole[:60] if content == "cut" else content)
    run = [*RUN, "--data", "folders", "--root", root, "--set", "train.image_size=32"]
    refused(msde(*run), str(broken), "cannot be decoded", "leave it out")


def test_bad_rows_can_be_skipped(msde, csv):
    csv.write_text(csv.read_text() + "3,1 2 3,Training\n")
    fer = [*RUN, "--data", "fer2013", "--root", csv, "--set", "train.epochs=1", "--set", "train.image_size=32", "-q"]
    refused(msde(*fer), "line 23")
    done = msde(*fer, "--on-bad", "skip", "--json")
    assert done.code == 0, done.err
    assert any("23" in note for note in json.loads(done.out)["notes"])


def test_images_that_changed_since_the_run(msde, csv):
    words = ["--data", "fer2013", "--root", csv, "--set", "train.epochs=1", "--set", "train.image_size=32"]
    done = msde(*RUN, *words, "--out", "run", "-q")
    assert done.code == 0, done.err
    look = ["analyze", "gradcam", "--run", "run", "--set", "analysis.samples=1"]
    assert "Warning" not in msde(*look).err
    csv.write_text(csv.read_text().replace("200 200", "201 200"))
    changed = msde(*look)
    assert changed.code == 0
    assert "Warning: run: the images are no longer those of the run" in changed.err
    assert "Warning" not in changed.out
    moved = csv.rename(csv.with_name("elsewhere.csv"))
    refused_there = msde(*look)
    assert (refused_there.code, "fer2013.csv: nothing there" in refused_there.err) == (2, True)
    assert moved.exists()


def test_a_used_folder(msde, tmp_path_factory):
    used = tmp_path_factory.mktemp("used")
    (used / "thesis.tex").write_text("years of work")
    refused(msde(*RUN, "--out", used, *TINY), "not an empty folder")
    assert (used / "thesis.tex").read_text() == "years of work"
    refused(msde(*RUN, "--out", used / "thesis.tex" / "run", *TINY), "cannot be written")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model = ", "damaged TOML"),
        ('modle = "scan"', "Did you mean model"),
        ("[set.trian]\nepochs = 1", "Did you mean train"),
        ("[set.train]\nepoch = 1", "Did you mean train.epochs"),
        ("set = 3", "[set.ROLE]"),
        ("repeats = 'many'", "--repeats"),
    ],
)
def test_a_damaged_config(msde, tmp_path_factory, text, said):
    file = tmp_path_factory.mktemp("config") / "run.toml"
    file.write_text(text)
    refused(msde(*RUN, "--config", file), said)


@pytest.mark.parametrize(
    ("folds", "said"),
    [
        ("{", "not a folds file"),
        ("[]", "not a folds file"),
        ({"00": ["s001", "s002"], "01": ["s003", "nobody"]}, "'nobody'"),
        ({"00": ["s001", "s002"], "01": ["s002", "s003"]}, "again"),
        ({"00": ["s001"], "01": ["s002"]}, "never held out"),
        ({"00": ["s001"], "01": []}, "nobody"),
        ({"../x": ["s001"], "01": ["s002"]}, "fold name"),
    ],
)
def test_a_damaged_folds_file(msde, tmp_path_factory, folds, said):
    file = tmp_path_factory.mktemp("folds") / "folds.json"
    if isinstance(folds, dict):
        folds = json.dumps({"folds": [{"fold": name, "test": who} for name, who in folds.items()]})
    file.write_text(folds)
    refused(msde(*RUN, *TINY[:-2], "--folds", file), said)


def test_an_unfinished_run_is_not_analysed(msde, finished, tmp_path_factory):
    copy = tmp_path_factory.mktemp("unfinished") / "run"
    shutil.copytree(finished[0], copy)
    (copy / "summary.json").unlink()
    refused(msde("analyze", "confusion", "--run", copy), "not finished", "--resume")
    refused(msde("analyze", "confusion", "--run", finished[0], "--run", finished[0]), "--out")
