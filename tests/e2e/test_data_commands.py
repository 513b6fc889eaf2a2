"""``msde data list``, ``show`` and ``import`` as their user types them."""

import json
import shlex

import numpy as np
import pytest
from PIL import Image as Pillow

from msde_toolkit import load_manifest

SEVEN = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
SMALL = ("--set", "data.subjects=1", "--set", "data.size=64")


def photo(file, value, side=40):
    file.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(value).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Pillow.fromarray(image).save(file)


@pytest.fixture
def rafdb(tmp_path):
    """RAF-DB's layout, two train and one test image a class."""
    root = tmp_path / "raf db"
    lines = []
    for k in range(21):
        name = f"train_{k + 1:05d}" if k < 14 else f"test_{k - 13:04d}"
        photo(root / "Image" / "aligned" / f"{name}_aligned.jpg", k)
        lines.append(f"{name}.jpg {k % 7 + 1}")
    (root / "EmoLabel").mkdir()
    (root / "EmoLabel" / "list_patition_label.txt").write_text("\n".join(lines))
    return root


@pytest.fixture
def msd_e(tmp_path):
    """MSD-E's layout, seven pairs and one unmasked image without a partner."""
    root = tmp_path / "MSD"
    for label in range(7):
        for folder in ("MSD-E", "MSD-ME"):
            photo(root / folder / f"1_{label}_a.jpg", label)
    photo(root / "MSD-E" / "2_3_b.jpg", 99)
    (root / "Paired_files.txt").write_text("\n".join(f"1_{label}_a.jpg" for label in range(7)))
    return root


def test_the_list_of_datasets(msde):
    rows = {row["name"]: row for row in json.loads(msde("data", "list", "--json").out)}
    assert rows.keys() >= {"synthetic", "msde", "rafdb", "affectnet", "ferplus", "fer2013", "folder", "table"}
    assert rows["rafdb"]["labels"] == "seven"
    assert "EmoLabel" in rows["rafdb"]["root"]
    assert rows["synthetic"]["synthetic"]
    assert not rows["synthetic"]["root"]
    shown = " ".join(msde("data", "list").out.split())
    assert all(row["summary"] in shown and row["licence"] in shown for row in rows.values())
    assert "synthetic faces" in shown
    assert "labels: eight or seven" in shown


def test_show_has_the_papers_table_beside_the_counts(msde, msd_e):
    done = msde("data", "show", "msde", "--root", msd_e)
    happy = next(line for line in done.out.splitlines() if "happy" in line)
    assert [int(cell) for cell in happy.split("│")[2:-1]] == [2, 193, 1, 164, 1, 155, 3, 357]
    assert "Table 2" in done.out
    assert "printed 256" in " ".join(done.out.split())
    document = json.loads(msde("data", "show", "msde", "--root", msd_e, "--json").out)
    [table] = document["published"]
    assert table["title"] == "Table 2"
    assert table["columns"]["M"]["sad"] == 142
    assert document["table"][-1] == {"class": "total", "NM": 8, "M": 7, "pairs": 7, "all": 15}


def test_show_names_what_is_published_without_classes(msde, rafdb):
    words = " ".join(msde("data", "show", "rafdb", "--root", rafdb, "--mask", "surgical").out.split())
    assert "occluded 123, masked 0" in words
    assert "735" in words
    assert json.loads(msde("data", "show", "synthetic", *SMALL, "--json").out)["published"] == []


def test_a_contact_sheet_of_the_twin(msde, tmp_path):
    done = msde("data", "show", "synthetic", *SMALL, "--sheet", "new/faces.PNG", "--json")
    assert json.loads(done.out)["sheet"] == "new/faces.PNG"
    assert Pillow.open(tmp_path / "new" / "faces.PNG").width > 1000


def test_what_the_sheet_says_of_real_faces(msde, rafdb, tmp_path):
    done = msde("data", "show", "rafdb", "--root", rafdb, "--sheet", "faces.svg", "--seed", 3)
    assert "Faces: faces.svg" in done.out
    sheet = (tmp_path / "faces.svg").read_text()
    assert "Faces of real people: for local use only" in sheet
    assert "chosen by seed 3" in sheet
    assert "synthetic" not in sheet


def test_another_format_is_refused_before_any_work(msde, tmp_path):
    done = msde("data", "show", "rafdb", "--root", tmp_path / "nowhere", "--sheet", "faces.jpg")
    assert (done.code, done.out) == (2, "")
    assert ".png, .svg or .pdf" in done.err


def test_import_train_audit(msde, rafdb):
    done = msde("data", "import", "rafdb", "--root", rafdb)
    assert done.code == 0, done.err
    assert "rafdb.parquet: written, 21 samples of rafdb; 21 images looked at" in done.out
    train = next(line for line in done.out.splitlines() if line.startswith("Train on it:"))
    audit = next(line for line in done.out.splitlines() if line.startswith("Look for leaks:"))
    words = shlex.split(train.partition(":")[2])
    assert words[0] == "msde"
    words[words.index("scan")] = "resnet18"
    words += ["--set", "train.epochs=1", "--set", "train.image_size=32", "--precision", "fp32"]
    run = msde(*words[1:], "--out", "run", "--json")
    assert run.code == 0, run.err
    assert json.loads(run.out)["metrics"]["nm"]["n"] == 7
    looked = msde(*shlex.split(audit.partition(":")[2])[1:], "--json")
    assert json.loads(looked.out)["samples"] == 21
    assert "unreadable" in json.loads(looked.out)["passed"]


def test_importing_again_says_what_changed(msde, rafdb, tmp_path):
    msde("data", "import", "rafdb", "--root", rafdb)
    same = json.loads(msde("data", "import", "rafdb", "--root", rafdb, "--json").out)
    assert (same["status"], same["decoded"]) == ("unchanged", 0)
    labels = rafdb / "EmoLabel" / "list_patition_label.txt"
    lines = labels.read_text().splitlines()
    labels.write_text("\n".join(["train_00001.jpg 4", *lines[1:-1]]))
    again = json.loads(msde("data", "import", "rafdb", "--root", rafdb, "--json").out)
    assert [again[key] for key in ("status", "added", "removed", "relabelled", "changed")] == ["updated", 0, 1, 1, 0]
    assert load_manifest(tmp_path / "rafdb.parquet").labels[0] == 3


def test_what_cannot_be_used_is_listed(msde, rafdb):
    for number in range(1, 8):
        (rafdb / "Image" / "aligned" / f"train_{number:05d}_aligned.jpg").write_bytes(b"\xff\xd8\xff no image")
    with (rafdb / "EmoLabel" / "list_patition_label.txt").open("a") as file:
        file.write("\ntrain_00099.jpg 3\n")
    done = msde("data", "import", "rafdb", "--root", rafdb)
    assert done.code == 0
    assert done.out.count("left out: rafdb-train_") == 5
    assert "and 2 more (--json lists all)" in done.out
    assert "1 bad rows of list_patition_label.txt left out (line 22" in " ".join(done.out.split())
    document = json.loads(msde("data", "import", "rafdb", "--root", rafdb, "--json").out)
    assert len(document["left_out"]) == 7
    assert document["samples"] == 14
    refused = msde("data", "import", "rafdb", "--root", rafdb, "--on-bad", "error", "--out", "other.parquet")
    assert (refused.code, refused.out) == (2, "")
    assert "line 22" in refused.err


def test_photos_are_told_from_face_crops(msde, msd_e, rafdb):
    photos = json.loads(msde("data", "import", "msde", "--root", msd_e, "--json").out)
    assert shlex.split(photos["next"]["faces"]) == [
        *("msde", "data", "faces", "msde", "--root", str(msd_e)),
        *("--out", "msde-faces"),
    ]
    assert "--loss cl" in photos["next"]["train"]
    assert json.loads(msde("data", "import", "rafdb", "--root", rafdb, "--json").out)["next"]["faces"] is None
    assert "Cut the faces out first:" in msde("data", "import", "msde", "--root", msd_e).out


def test_a_csv_of_pixels_is_imported(msde, tmp_path):
    faces = [f"{k % 7},{' '.join([str(k)] * 2304)},{'Training' if k < 14 else 'PublicTest'}" for k in range(21)]
    (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *faces]) + "\n")
    document = json.loads(msde("data", "import", "fer2013", "--root", "fer2013.csv", "--json").out)
    assert (document["samples"], document["splits"]) == (21, {"test": 7, "train": 14})
    shown = msde("data", "show", "table", "--root", "fer2013.parquet", "--sheet", "faces.svg", "--json")
    assert json.loads(shown.out)["samples"] == 21
    assert json.loads(shown.out)["name"] == "fer2013"


def test_faces_cut_out_of_photos_are_refused_in_words(msde, tmp_path):
    photo(tmp_path / "expw" / "image" / "a.jpg", 1)
    (tmp_path / "expw" / "label.lst").write_text("a.jpg 0 2 0 22 12 26.119 3\n")
    done = msde("data", "import", "expw", "--root", "expw")
    assert (done.code, done.out) == (2, "")
    assert "cut out of photos" in done.err
    assert "msde run --data expw --root expw" in done.err
    assert "msde data faces expw --root expw --out expw-faces" in done.err
    assert not (tmp_path / "expw.parquet").exists()


def test_a_drawn_set_and_a_file_of_somebody_else(msde, rafdb, tmp_path):
    drawn = msde("data", "import", "synthetic")
    assert (drawn.code, drawn.out) == (2, "")
    assert "needs no import" in drawn.err
    (tmp_path / "rafdb.parquet").write_bytes(b"my notes")
    done = msde("data", "import", "rafdb", "--root", rafdb)
    assert (done.code, done.out) == (2, "")
    assert "no manifest" in done.err
    assert (tmp_path / "rafdb.parquet").read_bytes() == b"my notes"
