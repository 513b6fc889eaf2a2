import pytest
from published_layouts import picture

from msde_datasets.image_listing import ImageListing


@pytest.fixture
def root(tmp_path):
    picture(tmp_path / "One" / "two" / "A.jpg")
    picture(tmp_path / "b.png")
    (tmp_path / "One" / "empty.jpg").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("path", "below"),
    [
        ("One/two/A.jpg", ""),
        ("one\\TWO\\a.JPG", ""),
        ("./One/two/A.jpg", ""),
        ("two/a.jpg", "one"),
        ("A.jpg", "One/two"),
    ],
)
def test_an_image_is_found_as_the_disk_spells_it(root, path, below):
    assert ImageListing(root).find(path, below) == "One/two/A.jpg"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("One/two/B.jpg", "no image 'One/two/B.jpg'"),
        ("two/A.jpg", "no folder 'two'"),
        ("One/two", "no image"),
        ("", "no image"),
        ("One/two/", "no image"),
        ("/b.png", "is absolute"),
        ("\\b.png", "is absolute"),
        ("c:b.png", "is absolute"),
        ("One/../b.png", "has '..' in it"),
        ("../b.png", "has '..' in it"),
        ("..", "has '..' in it"),
        ("One/empty.jpg", "holds no bytes"),
        ("One/a\x00b.jpg", "no image"),
        ("a\x00b/c.jpg", "no folder"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(root, path, why):
    with pytest.raises(ValueError, match=why):
        ImageListing(root).find(path)


def test_of_names_that_differ_in_case_the_exact_one_is_meant(tmp_path):
    for name in ("a.jpg", "A.jpg"):
        picture(tmp_path / name)
    listing = ImageListing(tmp_path)
    there = sorted(file.name for file in tmp_path.iterdir())
    assert [listing.find(name) for name in there] == there
    assert listing.names("") == there


def test_a_link_that_leads_nowhere_is_no_image(tmp_path):
    (tmp_path / "a.jpg").symlink_to(tmp_path / "gone.jpg")
    with pytest.raises(ValueError, match="no image"):
        ImageListing(tmp_path).find("a.jpg")


def test_a_folder_is_listed_once(root):
    listing = ImageListing(root)
    first = listing.find("One/two/A.jpg")
    (root / "One" / "two" / "A.jpg").unlink()
    assert listing.find("One/two/a.jpg") == first, "asked a second time, the disk is left alone"
