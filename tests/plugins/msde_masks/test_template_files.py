"""Templates that are wrong, each refused in words that name file and key."""

import numpy as np
import pytest
from PIL import Image

from msde_masks.template import read_template
from msde_toolkit.errors import DataError

LINES = {
    "title": 'title = "A mask"',
    "licence": 'licence = "CC0-1.0"',
    "colour": 'colour = "grey"',
    "view": "[frontal]",
    "image": 'image = "mask.png"',
    "nose": "nose = [40, 4]",
    "left_top": "left_top = [6, 20]",
    "right_top": "right_top = [74, 20]",
    "left_bottom": "left_bottom = [8, 40]",
    "right_bottom": "right_bottom = [72, 40]",
    "chin": "chin = [40, 58]",
}


@pytest.fixture
def picture(tmp_path):
    pixels = np.zeros((60, 80, 4), np.uint8)
    pixels[8:56, 8:72] = (120, 130, 140, 255)
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


@pytest.fixture
def written(tmp_path, picture):
    def write(**changed):
        file = tmp_path / "mine.toml"
        file.write_text("\n".join({**LINES, **changed}.values()), encoding="utf-8")
        return file

    return write


def test_the_smallest_template(written):
    template = read_template(written())
    assert template.name == "mine"
    assert list(template.views) == ["frontal"]
    assert template.view(-40.0, 15.0) == "frontal"


def test_a_side_view_serves_the_other_side_mirrored(written):
    right = "\n".join(["[right]", *list(LINES.values())[4:], "straps_right = [[72, 22], [70, 38]]"])
    views = read_template(written(chin=f"{LINES['chin']}\n{right}")).views
    assert np.allclose(views["left"].anchors[1], [80 - 74, 20])
    assert np.allclose(views["left"].straps[0], [[8, 22], [10, 38]])
    assert views["left"].straps[1].size == 0


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"chin": ""}, r"frontal.chin: Field required"),
        ({"licence": ""}, "licence: Field required"),
        ({"colour": 'colour = "grey"\nsize = 4'}, "size: Extra inputs"),
        ({"nose": "nose = [nan, 4]"}, "frontal.nose"),
        ({"nose": "nose = "}, "not a TOML file"),
        ({"image": 'image = "other.png"'}, "other.png.*cannot be read"),
        ({"image": 'image = "../mask.png"'}, "outside the template's folder"),
        ({"image": 'image = "/mask.png"'}, "outside the template's folder"),
        ({"chin": "chin = [40, 400]"}, "far outside the picture of 80 x 60"),
        ({"chin": "chin = [40, 2]"}, "fit no face"),
        ({"left_top": "left_top = [74, 20]", "right_top": "right_top = [6, 20]"}, "fit no face"),
    ],
)
def test_a_file_that_is_wrong(written, changed, words):
    with pytest.raises(DataError, match=words) as caught:
        read_template(written(**changed))
    assert "mine.toml" in str(caught.value)


def test_a_link_out_of_the_folder(written, picture, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "mask.png"
    picture.rename(elsewhere)
    picture.symlink_to(elsewhere)
    with pytest.raises(DataError, match="outside the template's folder"):
        read_template(written())


def save(picture, image, kind="PNG"):
    image.save(picture, format=kind)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda file: file.write_bytes(b"no picture"), "damaged"),
        (lambda file: file.write_bytes(file.read_bytes()[:90]), "damaged"),
        (lambda file: save(file, Image.new("RGB", (80, 60))), "no alpha"),
        (lambda file: save(file, Image.new("RGBA", (80, 60))), "no pixel of it is opaque"),
        (lambda file: save(file, Image.new("RGB", (80, 60)), "JPEG"), "is a JPEG"),
        (lambda file: save(file, Image.new("LA", (5000, 8))), "5000 x 8 pixels"),
    ],
)
def test_a_picture_that_is_wrong(written, picture, damage, words):
    damage(picture)
    with pytest.raises(DataError, match=words) as caught:
        read_template(written())
    assert "mask.png" in str(caught.value)


def test_no_file_at_all(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_template(tmp_path / "mine.toml")
