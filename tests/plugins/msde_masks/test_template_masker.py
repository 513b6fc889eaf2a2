import shutil
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from drawn_faces import drawn_faces
from PIL import Image

from msde_masks.catalogue import template_files
from msde_masks.masker import FromTemplate
from msde_toolkit.create import create_masker
from msde_toolkit.errors import DataError, InputError, PluginError
from msde_toolkit.landmarks import canonical_landmarks
from msde_toolkit.randomness import generator

MOUTH_AND_JAW = [*range(3, 14), *range(31, 36), *range(48, 68)]
TEMPLATES = Path(str(files("msde_masks.templates")))
NAMES = sorted(file.stem for file in TEMPLATES.glob("*.toml"))


@cache
def masker(name="any", **options):
    return create_masker(f"template:{name}", options)


def noise(height, width=None, *, grey=False, seed=0):
    image = np.random.default_rng(seed).integers(0, 256, (height, width or height, 3), dtype=np.uint8)
    return np.repeat(image[..., :1], 3, axis=2) if grey else image


def masked(image, landmarks=None, seed=0, name="n95-white", **options):
    if landmarks is None:
        landmarks = canonical_landmarks(image.shape[1], image.shape[0])
    return masker(name, **options).apply(image, landmarks, generator(seed))


def parameters(landmarks, seed=0, name="n95-white", **options):
    return masker(name, **options).parameters(np.zeros((96, 96, 3), np.uint8), landmarks, generator(seed))


def turned(landmarks, share, side=100):
    """The head turned so that nose and eyes lie this share of half the face's width to the right."""
    moved = landmarks.copy()
    moved[[*range(27, 48)], 0] += share * 0.36 * side
    return moved


def mirrored(landmarks, side):
    pairs = [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)]
    pairs += [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, *range(54, 47, -1), *range(59, 54, -1)]
    pairs += [*range(64, 59, -1), 67, 66, 65]
    return (landmarks * [-1, 1] + [side, 0])[pairs]


def test_the_kinds_that_are_promised_are_there():
    assert {"surgical-blue", "surgical-green", "n95-white", "n95-black", "n95-blue", "kn95-white"} < set(NAMES)
    assert sum(name.startswith("cloth-plain-") for name in NAMES) > 2
    assert sum(name.startswith("cloth-printed-") for name in NAMES) > 2
    assert all(picture.stat().st_size < 60_000 for picture in TEMPLATES.glob("*.png"))


@pytest.mark.parametrize("name", NAMES)
def test_each_template_covers_nose_mouth_and_chin_and_nothing_else_changes(name):
    image = noise(100)
    before = image.copy()
    out, alpha = masked(image, name=name)
    assert {out.dtype, alpha.dtype} == {np.dtype(np.uint8)}
    assert np.array_equal(out[alpha == 0], image[alpha == 0])
    assert np.array_equal(image, before)
    points = canonical_landmarks(100, 100).astype(int)
    assert (alpha[points[[30, 48, 51, 54, 57], 1], points[[30, 48, 51, 54, 57], 0]] == 255).all()
    assert alpha[:42, 22:78].max() == 0  # eyes and lids
    assert 0.12 < alpha.mean() / 255 < 0.35


@pytest.mark.parametrize("shape", [(24, 24), (60, 90), (130, 70), (224, 224)])
def test_sizes(shape):
    out, alpha = masked(noise(*shape))
    assert out.shape == (*shape, 3)
    assert alpha.shape == shape
    assert alpha.max() == 255


def test_alpha_is_not_jagged():
    """Along the edge there are shades between none and all, and the colour there is mixed by them."""
    image = np.full((100, 100, 3), 60, np.uint8)
    out, alpha = masked(image, name="surgical-blue", grain=False, straps=False)
    assert len(np.unique(alpha)) > 40
    edge = (alpha > 0) & (alpha < 255)
    lighter = image.copy()
    lighter[edge] += 51
    gained = masked(lighter, name="surgical-blue", grain=False, straps=False)[0][edge].astype(float) - out[edge]
    assert np.abs(gained - 51 * (1 - alpha[edge][:, None] / 255.0)).max() <= 6.0  # the light rises a little too


def test_the_mask_lies_where_its_anchors_do():
    """Twice as large and elsewhere: the same mask, twice as large and there."""
    small = canonical_landmarks(64, 64)
    canvas = np.full((200, 200, 3), 128, np.uint8)

    def box(points):
        y, x = np.nonzero(masked(canvas, points, jitter=0, straps=False, name="kn95-white")[1] > 127)
        return np.array([x.min(), y.min(), x.max() + 1, y.max() + 1], dtype=float)

    assert np.abs(box(small * 2 + [40, 10]) - (box(small) * 2 + [40, 10, 40, 10])).max() <= 2.0


def test_same_dice_same_mask_other_dice_another():
    image = noise(64)
    first, second, other = (masked(image, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[1], other[1])
    fixed = [masked(image, seed=seed, jitter=0, grain=False)[0] for seed in (1, 2)]
    assert np.array_equal(*fixed)


def test_a_dropped_jaw_moves_nothing_unless_the_chin_is_followed():
    image = noise(96)
    shut = canonical_landmarks(96, 96) * 0.7 + 10
    dropped = shut.copy()
    dropped[MOUTH_AND_JAW] += [0, 8]
    still, moved = masked(image, shut), masked(image, dropped)
    assert np.array_equal(still[0], moved[0])
    assert np.array_equal(still[1], moved[1])
    assert parameters(shut) == parameters(dropped)
    grown = [masked(image, points, fit="chin")[1].sum() for points in (shut, dropped)]
    assert grown[1] > 1.05 * grown[0]
    assert parameters(dropped, fit="chin")["height"] > parameters(shut, fit="chin")["height"] + 6


def test_what_is_covered_does_not_shine_through():
    image = noise(96)
    out, alpha = masked(image)
    changed = image.copy()
    changed[alpha == 255] = noise(96, seed=9)[alpha == 255] // 3
    assert np.array_equal(masked(changed)[0][alpha == 255], out[alpha == 255])


def test_turned_heads_show_the_side_view_of_their_side():
    frontal = canonical_landmarks(100, 100)
    right, left = turned(frontal, 0.45), turned(frontal, -0.45)
    assert [parameters(p)["view"] for p in (frontal, right, left)] == ["frontal", "right", "left"]
    assert parameters(right, jitter=0)["yaw"] == -parameters(left, jitter=0)["yaw"]
    assert 20 < parameters(right)["yaw"] < 30
    assert parameters(right, side_view_from=40)["view"] == "frontal"


def test_a_mirrored_head_wears_the_mirrored_mask():
    image = np.full((100, 100, 3), 150, np.uint8)
    head = turned(canonical_landmarks(100, 100), -0.45)
    options = {"jitter": 0, "name": "kn95-white", "grain": False}
    out, alpha = masked(image, head, **options)
    other, other_alpha = masked(image, mirrored(head, 100), **options)
    assert np.abs(alpha.astype(int) - other_alpha[:, ::-1]).mean() < 1.0
    assert np.abs(out.astype(int) - other[:, ::-1]).mean() < 1.0
    # And the side view is no mirror image of itself.
    assert np.abs(alpha.astype(int) - alpha[:, ::-1]).mean() > 5.0


def test_light_blur_and_noise_are_the_photos():
    face, points = drawn_faces()[0]
    dark = (face * 0.35).astype(np.uint8)
    blurred = np.asarray(Image.fromarray(face).resize((32, 32)).resize((128, 128), Image.Resampling.BICUBIC))
    speckled = (face + np.random.default_rng(0).normal(0, 9, face.shape[:2])[..., None]).clip(0, 255).astype(np.uint8)
    bare, bare_alpha = masked(face, points)
    inside = np.zeros_like(bare_alpha, dtype=bool)
    inside[1:-1, 1:-1] = (np.lib.stride_tricks.sliding_window_view(bare_alpha, (3, 3)) == 255).all(axis=(2, 3))

    def steps(image):
        return np.abs(np.diff(image.astype(float).mean(axis=2), axis=1))[inside[:, 1:]].mean()

    assert masked(dark, points)[0][inside].mean() < 0.8 * bare[inside].mean()
    softer = masked(blurred, points)[1]
    assert ((softer > 0) & (softer < 255)).sum() > 1.5 * ((bare_alpha > 0) & (bare_alpha < 255)).sum()
    assert steps(masked(speckled, points)[0]) > steps(bare) + 3
    assert steps(masked(speckled, points, grain=False)[0]) < steps(bare) + 1


def test_a_grey_photo_gets_a_grey_mask_unless_colours_are_kept():
    image = noise(48, grey=True)
    grey, alpha = masked(image, name="cloth-plain-red")
    assert (grey == grey[..., :1]).all()
    red = masked(image, name="cloth-plain-red", colour="keep")[0][alpha == 255].astype(int)
    assert (red[:, 0] > red[:, 2] + 20).mean() > 0.9


def test_a_prefix_or_any_lets_the_dice_choose_and_the_choice_is_told():
    points = canonical_landmarks(96, 96)
    chosen = [parameters(points, seed, "any")["template"] for seed in range(200)]
    assert set(chosen) == set(NAMES)
    assert {parameters(points, seed, "n95")["template"] for seed in range(20)} == {"n95-black", "n95-blue", "n95-white"}
    image = noise(48)
    out, _ = masked(image, seed=3, name="any")
    assert np.array_equal(out, masked(image, seed=3, name=chosen[3])[0])


def test_the_default_is_any():
    assert create_masker("template").options == FromTemplate.Options(name="any")


def test_landmarks_that_fit_no_face_and_profiles_and_tiny_images():
    image, points = noise(48), canonical_landmarks(48, 48)
    for landmarks, words in (
        (np.zeros((5, 2)), "68"),
        (np.full((68, 2), np.nan), "finite"),
        (points + 500.0, "outside the image"),
        (points * [-1, 1] + [48, 0], "do not show a face"),
    ):
        with pytest.raises(DataError, match=words):
            masked(image, landmarks)
    with pytest.raises(DataError, match=r"turned by about \d+ degrees.*mask.max_yaw"):
        masked(image, turned(points, 0.6, 48), max_yaw=25.0)
    with pytest.raises(DataError, match="apart"):
        masked(noise(1))
    assert masked(noise(1), points - 25)[0].shape == (1, 1, 3)


def test_names_that_nobody_offers():
    with pytest.raises(InputError, match="Did you mean n95-white"):
        create_masker("template:n95-whit")
    with pytest.raises(InputError, match="no such template file"):
        create_masker("template:./n95-white.toml")


def copied(folder, name="kn95-white", picture="kn95"):
    for file in (f"{name}.toml", f"{picture}.png", f"{picture}-left.png"):
        shutil.copy(TEMPLATES / file, folder / file)
    return folder / f"{name}.toml"


def test_a_strangers_template_by_its_path(tmp_path, monkeypatch):
    file = copied(tmp_path)
    image = noise(64)
    assert np.array_equal(masked(image, name=str(file))[0], masked(image, name="kn95-white")[0])
    monkeypatch.chdir(tmp_path)
    assert template_files("./kn95-white.toml")[0].resolve() == file
    assert template_files("kn95-white") == [TEMPLATES / "kn95-white.toml"]  # the name wins


def test_a_change_of_a_file_changes_the_fingerprint(tmp_path):
    file = copied(tmp_path)
    before = create_masker(f"template:{file}").fingerprint()
    assert before == create_masker("template:kn95-white").fingerprint()
    Image.new("RGBA", (336, 252), (9, 9, 9, 255)).save(tmp_path / "kn95-left.png")
    assert create_masker(f"template:{file}").fingerprint() != before


def install(folder, distribution, monkeypatch):
    """A distribution with a package of templates, as pip would leave it."""
    package = folder / distribution.replace("-", "_")
    package.mkdir(parents=True)
    info = folder / f"{package.name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[msde.mask_templates]\nmine = {package.name}\n")
    (package / "__init__.py").write_text("raise RuntimeError('data is not imported')\n")
    monkeypatch.syspath_prepend(str(folder))
    return package


def test_a_strangers_templates_by_entry_point(tmp_path, monkeypatch):
    package = install(tmp_path, "their-masks", monkeypatch)
    copied(package).rename(package / "theirs.toml")
    assert template_files("theirs") == [package / "theirs.toml"]
    assert package / "theirs.toml" in template_files("any")
    points = canonical_landmarks(96, 96)
    told = create_masker("template:theirs").parameters(noise(96), points, generator(0))
    assert (told["template"], told["colour"]) == ("theirs", "white")
    monkeypatch.setenv("MSDE_PLUGINS", "")
    with pytest.raises(InputError, match="Unknown mask template 'theirs'"):
        template_files("theirs")


def test_a_package_of_templates_that_is_gone(tmp_path, monkeypatch):
    shutil.rmtree(install(tmp_path, "their-masks", monkeypatch))
    with pytest.raises(PluginError, match=r"mask_templates 'mine' of their-masks: 'their_masks' is no package"):
        template_files("any")


def test_a_name_that_two_claim(tmp_path, monkeypatch):
    copied(install(tmp_path, "their-masks", monkeypatch))
    with pytest.raises(InputError, match="claimed by their-masks and msde-toolkit"):
        template_files("kn95-white")


def test_only_what_is_left_of_a_face_at_the_border_is_masked():
    image, points = noise(96), canonical_landmarks(96, 96)
    out, alpha = masked(image, points + np.array([45, 0]))
    assert alpha[:, -1].max() == 255
    assert alpha[:, :20].max() == 0
    assert np.array_equal(out[alpha == 0], image[alpha == 0])
