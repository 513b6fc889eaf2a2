import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from published_layouts import FERPLUS_HEADER, ferplus_csv, ferplus_folders, picture, text

import msde_toolkit as msde
from msde_datasets.ferplus import FerPlus
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.types import EIGHT, SEVEN

SHARED = Path(os.environ.get("MSDE_SHARED", Path(__file__).parents[3].parent / "shared")) / "data"
needs_folders = pytest.mark.skipif(not (SHARED / "ferplus_png_mini").is_dir(), reason="no faces: set MSDE_SHARED")
needs_csv = pytest.mark.skipif(not (SHARED / "fer2013new_mini.csv").is_file(), reason="no faces: set MSDE_SHARED")

FILE_ORDER = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")
USAGES = ["Training"] * 8 + ["PublicTest"] * 8 + ["PrivateTest"] * 8
BOX = '"(0, 0, 48, 48)"'


def load(root, **options):
    return FerPlus().load(root, FerPlus.Options(**options))


def one_folder(root, lines, **form):
    """FER2013Train with these lines, and an image for each name of the form ferN.png."""
    file = text(root / "FER2013Train" / "label.csv", lines, **form)
    for name in set(re.findall(r"fer\d+\.png", "\n".join(lines))):
        picture(root / "FER2013Train" / name, side=48, mode="L")
    return file


def words(manifest):
    return [manifest.classes[label] for label in manifest.labels]


def test_folders_of_images(tmp_path):
    manifest = load(ferplus_folders(tmp_path))
    assert manifest.frame["requested_label"].isna().all()
    assert words(manifest) == list(FILE_ORDER) * 3
    assert Counter(manifest.frame["split"]) == {"train": 8, "validation": 8, "test": 8}
    assert manifest.classes == EIGHT
    assert manifest.frame["path"].iat[9] == "FER2013Valid/fer0000009.png"
    assert manifest.notes[:3] == (
        "28,558 FER2013Train rows expected, 8 found",
        "3,579 FER2013Valid rows expected, 8 found",
        "3,573 FER2013Test rows expected, 8 found",
    )
    images = FerPlus().read(manifest.take([9, 2]))
    assert images[0].shape == (48, 48, 3)
    assert [int(np.median(image)) for image in images] == [9, 2]


def test_votes_and_targets_stand_in_the_toolkits_order(tmp_path):
    one_folder(tmp_path, [f"fer1.png,{BOX},0,0,0,3,6,0,0,0,1,0"])
    row = load(tmp_path).frame.iloc[0]
    assert row["votes"] == [0, 0, 0, 0, 3, 6, 0, 0, 1, 0]  # ..., sad, angry, neutral, contempt, unknown, no face
    assert row["target"] == pytest.approx([0, 0, 0, 0, 3 / 9, 6 / 9, 0, 0])


@pytest.mark.parametrize(
    ("votes", "majority", "soft"),
    [
        # neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, NF
        ("6,0,1,1,0,0,0,0,2,0", "neutral", {"neutral": 1.0}),
        ("4,0,0,0,0,0,0,0,4,2", None, None),  # only 4 of 10 are taken when unknown ends it
        ("4,0,0,3,0,0,0,0,3,0", None, {"neutral": 4 / 7, "sad": 3 / 7}),  # 7 of 10 when it does
        ("4,2,4,0,0,0,0,0,0,0", None, {"neutral": 0.5, "surprise": 0.5}),  # 8 of 10 are three quarters
        ("5,5,0,0,0,0,0,0,0,0", None, {"neutral": 0.5, "happy": 0.5}),  # half is no majority
        ("5,1,1,1,1,1,0,0,0,0", "neutral", {"neutral": 1.0}),  # single votes do not count against it
        ("0,0,0,0,0,0,0,6,2,2", "contempt", {"contempt": 1.0}),
        ("1,1,1,1,1,1,1,1,1,1", None, None),
        ("2,0,0,0,0,0,0,0,8,0", None, None),
        ("0,10,0,0,0,0,0,0,0,0", "happy", {"happy": 1.0}),
        ("0,0,0,0,0,0,0,0,0,10", None, None),
        ("2,2,2,2,2,0,0,0,0,0", None, None),  # five tie: more than three
        ("3,3,2,2,0,0,0,0,0,0", None, None),  # 6 of 10 are not enough, and the next two tie: four
        ("4,3,2,0,0,0,0,0,1,0", None, {"neutral": 4 / 7, "happy": 3 / 7}),  # 7 of 9 are three quarters
        ("5,0,0,0,0,0,0,0,5,0", None, None),
        ("0,0,0,4,3,0,0,0,0,2", None, {"sad": 4 / 7, "angry": 3 / 7}),  # one vote short of ten
    ],
)
def test_the_authors_rules(tmp_path, votes, majority, soft):
    sure = f"fer2.png,{BOX},0,0,0,0,0,0,10,0,0,0"
    one_folder(tmp_path, [f"fer1.png,{BOX},{votes}", sure])
    by_majority, by_soft = load(tmp_path), load(tmp_path, rule="soft")
    assert words(by_majority) == ([majority] if majority else []) + ["fear"]
    assert len(by_soft) == 1 + (soft is not None)
    if soft is not None:
        assert dict(zip(EIGHT, by_soft.frame["target"].iat[0], strict=True)) == pytest.approx(
            dict.fromkeys(EIGHT, 0.0) | soft
        )
        assert words(by_soft)[0] == max(soft, key=lambda name: (soft[name], -FILE_ORDER.index(name)))


def test_seven_classes_leave_contempt_out(tmp_path):
    mixed = f"fer1.png,{BOX},0,6,0,0,0,0,0,4,0,0"
    one_folder(tmp_path, [mixed, f"fer2.png,{BOX},0,0,0,0,0,0,0,10,0,0"])
    manifest = load(tmp_path, classes="seven", rule="soft")
    assert manifest.classes == SEVEN
    assert words(manifest) == ["happy"]
    assert manifest.frame["target"].iat[0] == [0, 0, 0, 1.0, 0, 0, 0]
    assert manifest.frame["votes"].iat[0][7] == 4
    assert "1 of 2 faces left out by the rule 'soft': contempt 1" in manifest.notes


@pytest.mark.parametrize("form", [{"end": "\r\n"}, {"bom": True}, {"last": False}])
def test_line_ends_marks_and_case_may_differ(tmp_path, form):
    text(tmp_path / "fer2013TRAIN" / "Label.CSV", [f"FER1.PNG, {BOX} ,8,1,1,0,0,0,0,0,0,0 "], **form)
    picture(tmp_path / "fer2013TRAIN" / "fer1.png", side=48, mode="L")
    manifest = load(tmp_path)
    assert manifest.frame["path"].tolist() == ["fer2013TRAIN/fer1.png"]
    assert words(manifest) == ["neutral"]


def test_labels_and_images_may_stand_in_folders_of_their_own(tmp_path):
    text(tmp_path / "Labels" / "FER2013Valid" / "label.csv", [f"fer1.png,{BOX},8,1,1,0,0,0,0,0,0,0"])
    picture(tmp_path / "Images" / "FER2013Valid" / "fer1.png", side=48, mode="L")
    manifest = load(tmp_path)
    assert manifest.frame["path"].tolist() == ["Images/FER2013Valid/fer1.png"]
    assert manifest.frame["split"].tolist() == ["test"], "there is no FER2013Test"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"fer2.png,{BOX},8,1,1,0,0,0,0,0,0", "11 cells, expected 12"),
        ("fer2.png,(0, 0, 48, 48),8,1,1,0,0,0,0,0,0,0", "15 cells, expected 12"),
        (f"fer2.png,{BOX},8,x,1,0,0,0,0,0,0,0", "votes for happiness are 'x', not a count"),
        (f"fer2.png,{BOX},8,-1,1,0,0,0,0,0,0,0", "votes for happiness are '-1', not a count"),
        (f"fer2.png,{BOX},0,0,0,0,0,0,0,0,0,0", "nobody voted"),
        ('fer2.png,"0 0 48 48",8,1,1,0,0,0,0,0,0,0', "box '0 0 48 48' is not"),
        ('fer2.png,"(0, 9, 48, 9)",8,1,1,0,0,0,0,0,0,0', "is empty"),
        (f"other2.png,{BOX},8,1,1,0,0,0,0,0,0,0", "no image 'other2.png' in FER2013Train"),
        (f"../fer2.png,{BOX},8,1,1,0,0,0,0,0,0,0", "has '..' in it"),
        (f"C:\\fer2.png,{BOX},8,1,1,0,0,0,0,0,0,0", "is absolute"),
    ],
)
def test_a_bad_row_is_named_or_left_out(tmp_path, line, why):
    good = f"fer1.png,{BOX},8,1,1,0,0,0,0,0,0,0"
    file = one_folder(tmp_path, [good, line])
    with pytest.raises(DataError, match=re.escape(f"{file}, line 2: ") + ".*" + re.escape(why)):
        load(tmp_path)
    manifest = load(tmp_path, on_bad="skip")
    assert manifest.ids == ("ferplus-train-fer1",)
    assert why in " ".join(manifest.notes)


def test_a_box_inside_the_image_is_cut_out(tmp_path):
    one_folder(tmp_path, ['fer1.png,"(8, 4, 40, 48)",8,1,1,0,0,0,0,0,0,0'])
    manifest = load(tmp_path)
    assert manifest.frame["box"].iat[0] == [8, 4, 32, 44]
    assert FerPlus().read(manifest)[0].shape == (44, 32, 3)


def test_rows_without_a_name_and_names_that_stand_twice(tmp_path):
    happy, sad = "0,10,0,0,0,0,0,0,0,0", "0,0,0,10,0,0,0,0,0,0"
    lines = [f"fer1.png,{BOX},{happy}", f"fer2.png,{BOX},{happy}", f",{BOX},0,0,0,0,0,0,0,0,0,10"]
    one_folder(tmp_path, [*lines, f"fer1.png,{BOX},{happy}", f"fer2.png,{BOX},{sad}", f"fer3.png,{BOX},{sad}"])
    manifest = load(tmp_path)
    assert manifest.ids == ("ferplus-train-fer1", "ferplus-train-fer3")
    notes = "; ".join(manifest.notes)
    assert "FER2013Train/label.csv: 1 rows without an image name left out" in notes
    assert "2 rows left out that repeat another one" in notes
    assert "1 rows left out whose image has a second row with other votes" in notes


def test_votes_beside_the_csv_of_pixels(tmp_path):
    manifest = load(ferplus_csv(tmp_path, USAGES))
    assert manifest.ids[0] == "ferplus-000002"
    assert manifest.frame["path"].iat[23] == "fer2013.csv#25"
    assert words(manifest) == [FILE_ORDER[k % 8] for k in range(24)]
    assert Counter(manifest.frame["split"]) == {"train": 8, "validation": 8, "test": 8}
    assert "28,709 Training rows expected, 8 found" in manifest.notes
    images = FerPlus().read(manifest.take([20, 3]))
    assert [int(np.median(image)) for image in images] == [20, 3]
    fer2013 = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    before = [manifest.classes[label] for label in manifest.frame["requested_label"]]
    assert before == [fer2013[k % 7] for k in range(24)], "FER2013's own labels, which the votes replace"


def test_votes_of_another_place_and_a_row_without_a_face(tmp_path):
    ferplus_csv(tmp_path, USAGES[:10])
    lines = (tmp_path / "fer2013new.csv").read_text().splitlines()
    (tmp_path / "fer2013new.csv").unlink()
    lines[2] = "Training,,0,0,0,0,0,0,0,0,0,10"
    votes = text(tmp_path / "elsewhere" / "votes.csv", lines, end="\r\n", bom=True)
    with pytest.raises(InputError, match=r"needs its votes: no fer2013new\.csv beside .*data\.votes=FILE"):
        load(tmp_path)
    manifest = load(tmp_path / "fer2013.csv", votes=votes)
    assert manifest.ids[:2] == ("ferplus-000002", "ferplus-000004")
    assert words(manifest)[1] == "surprise"  # as the third row, whatever name it has
    assert Counter(manifest.frame["split"]) == {"train": 7, "test": 2}
    assert "1 rows of votes.csv without an image name left out" in manifest.notes


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda lines: lines[:-1], "has 9 rows, fer2013.csv 10"),
        (lambda lines: [*lines[:3], "", *lines[3:]], "has empty lines between its rows"),
        (lambda lines: [*lines[:3], lines[9], *lines[4:]], "line 4: Usage is 'PublicTest', in the same row of"),
        (lambda lines: [line.partition(",")[2] for line in lines], "line 1: no column Usage"),
        (lambda _: [], "empty; expected a header Usage,Image name,neutral"),
    ],
)
@pytest.mark.parametrize("on_bad", ["error", "skip"])
def test_files_that_do_not_belong_together_are_refused(tmp_path, change, why, on_bad):
    ferplus_csv(tmp_path, USAGES[:10])
    votes = tmp_path / "fer2013new.csv"
    text(votes, change(votes.read_text().splitlines()))
    with pytest.raises(DataError, match=re.escape(str(votes)) + ".*" + re.escape(why)):
        load(tmp_path, on_bad=on_bad)


def test_a_bad_row_of_either_file_keeps_the_others_joined(tmp_path):
    ferplus_csv(tmp_path, USAGES[:10])
    pixels, votes = tmp_path / "fer2013.csv", tmp_path / "fer2013new.csv"
    lines = pixels.read_text().splitlines()
    text(pixels, [*lines[:2], "9" + lines[2][1:], *lines[3:]])
    with pytest.raises(DataError, match=re.escape(f"{pixels}, line 3: emotion '9'")):
        load(tmp_path)
    lines = votes.read_text().splitlines()
    text(votes, [*lines[:4], lines[4].replace("8", "many"), *lines[5:]])
    manifest = load(tmp_path, on_bad="skip")
    assert words(manifest) == [FILE_ORDER[k % 8] for k in range(10) if k not in (1, 3)]
    notes = "; ".join(manifest.notes)
    assert "line 3: emotion '9'" in notes
    assert "line 5: votes for sadness are 'many', not a count" in notes


def test_roots_and_options_that_mean_nothing_are_refused(tmp_path):
    with pytest.raises(InputError, match="must be the folder with FER2013Train"):
        load(tmp_path)
    ferplus_folders(tmp_path, rows=1)
    with pytest.raises(InputError, match="leave it out"):
        load(tmp_path, votes=tmp_path / "votes.csv")
    one = tmp_path / "one"
    one_folder(one, [f"fer1.png,{BOX},5,5,0,0,0,0,0,0,0,0"])
    with pytest.raises(DataError, match=r"the votes decide no face's expression .*undecided 1"):
        load(one)


def test_columns_of_the_votes_may_stand_in_another_order(tmp_path):
    ferplus_csv(tmp_path, USAGES[:2])
    names = FERPLUS_HEADER.split(",")
    order = [*range(11, 1, -1), 1, 0]
    rows = [line.split(",") for line in (tmp_path / "fer2013new.csv").read_text().splitlines()]
    assert rows[0] == names
    text(tmp_path / "fer2013new.csv", [",".join(row[place] for place in order) for row in rows])
    assert words(load(tmp_path)) == ["neutral", "happy"]


def test_a_run_on_its_own_split_with_soft_targets(tiny, tmp_path):
    root = ferplus_folders(tmp_path / "plus")
    train = {"epochs": 1, "image_size": 32, "soft_targets": True}
    options = {"rule": "soft", "classes": "seven"}
    config = msde.RunConfig.create(model=tiny, loss="ce", data="ferplus", root=root, set_train=train, set_data=options)
    result = msde.run(config, out=tmp_path / "run")
    assert result.summary["metrics"]["nm"]["n"] == 7
    assert msde.open_run(tmp_path / "run").classes == SEVEN


@needs_folders
def test_real_folders():
    manifest = load(SHARED / "ferplus_png_mini", rule="soft")
    assert "28,558 FER2013Train rows expected, 700 found" in manifest.notes
    assert Counter(manifest.frame["split"]) == {"train": 688, "test": 136}
    assert FerPlus().read(manifest.take([0]))[0].shape == (48, 48, 3)


@needs_csv
def test_a_real_csv_with_its_votes():
    manifest = load(SHARED / "fer2013_mini.csv.gz", votes=SHARED / "fer2013new_mini.csv")
    left = next(note for note in manifest.notes if "left out" in note)
    assert f"{4200 - len(manifest):,} of 4,200 faces left out by the rule 'majority'" in left
    sums = {sum(votes) for votes in manifest.frame["votes"]}
    assert sums == {10.0}
    # The classes that both sets know agree for most faces, as they should if the rows were joined rightly.
    from msde_datasets.fer2013 import Fer2013

    fer = Fer2013().load(SHARED / "fer2013_mini.csv.gz", Fer2013.Options())
    theirs = dict(zip((sample.removeprefix("fer2013-") for sample in fer.ids), fer.labels, strict=True))
    same = [theirs[sample.removeprefix("ferplus-")] == label for sample, label in zip(manifest.ids, manifest.labels)]  # noqa: B905
    assert np.mean(same) > 0.65
    assert manifest.frame["requested_label"].tolist() == [theirs[i.removeprefix("ferplus-")] for i in manifest.ids]


def test_a_quote_that_is_never_closed_is_named_by_its_line(tmp_path):
    rows = [f"fer{k}.png,{BOX},0,8,1,1,0,0,0,0,0,0" for k in range(6)]
    rows[2] = rows[2].replace(BOX, '"(0, 0, 48, 48)')
    one_folder(tmp_path, rows)
    with pytest.raises(DataError, match=r"label\.csv, line 3: a quoted cell goes on over the next line"):
        load(tmp_path, on_bad="skip")


def test_label_files_without_images_leave_the_votes_to_the_csv_of_pixels(tmp_path):
    # The authors' repository: label.csv in data/FER2013Train, the images still to be made of fer2013.csv.
    text(tmp_path / "data" / "FER2013Train" / "label.csv", [f"fer0000000.png,{BOX},0,8,1,1,0,0,0,0,0,0"])
    ferplus_csv(tmp_path, USAGES)
    assert len(load(tmp_path)) == 24


def test_votes_may_be_named_by_their_folder_or_stand_elsewhere_below_the_root(tmp_path):
    ferplus_csv(tmp_path / "fer2013", USAGES)
    (tmp_path / "FERPlus").mkdir()
    (tmp_path / "fer2013" / "fer2013new.csv").rename(tmp_path / "FERPlus" / "fer2013new.csv")
    assert len(load(tmp_path)) == len(load(tmp_path / "fer2013", votes=tmp_path / "FERPlus")) == 24


def test_rows_without_any_image_name_are_refused_as_such(tmp_path):
    ferplus_csv(tmp_path, USAGES[:2])
    text(tmp_path / "fer2013new.csv", [FERPLUS_HEADER, *[f"Training,,{'0,' * 9}10"] * 2])
    with pytest.raises(DataError, match="none of its 2 rows names an image"):
        load(tmp_path, on_bad="skip")
