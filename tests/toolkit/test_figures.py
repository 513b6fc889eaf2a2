"""Print sizes, fonts, the synthetic mark and files that do not change from one writing to the next."""

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image

from msde_toolkit import figures
from msde_toolkit.errors import InputError


def drawn(synthetic=True):
    with figures.paper_style():
        figure = figures.new_figure(figures.SINGLE_COLUMN_MM, 60)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], label="a line")
        axes.imshow(np.arange(4).reshape(2, 2), cmap=figures.HEAT_MAP)
        axes.set(xlabel="x", ylabel="y", title="title")
        axes.legend()
        figures.add_note(figure, "How the samples were chosen. " * 6)
        if synthetic:
            figures.mark_synthetic(figure)
    return figure


def test_same_figure_same_bytes_at_print_size(tmp_path):
    first = figures.save_figure(drawn(), tmp_path / "one")
    second = figures.save_figure(drawn(), tmp_path / "two")
    assert [path.name for path in first] == ["one.png", "one.svg"]
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "one.svg", "two.png", "two.svg"]
    svg = first[1].read_text()
    assert "<dc:date>" not in svg
    assert "synthetic faces" in svg
    with Image.open(first[0]) as image:
        assert image.width == pytest.approx(figures.SINGLE_COLUMN_MM / 25.4 * 200, abs=1)


def test_a_dotted_stem_keeps_its_name(tmp_path):
    assert [path.name for path in figures.save_figure(drawn(), tmp_path / "a.b")] == ["a.b.png", "a.b.svg"]


def test_no_font_is_smaller_than_print_allows_and_nothing_overlaps(tmp_path):
    figure = drawn()
    figures.save_figure(figure, tmp_path / "f")
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    assert {"x", "y", "title"} < {text.get_text() for text in texts}
    assert min(text.get_fontsize() for text in texts) >= 7
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = {text.get_gid(): text.get_window_extent(renderer) for text in figure.texts}
    assert not boxes["note"].overlaps(boxes["synthetic"])
    axes = figure.axes[0].get_tightbbox(renderer)
    assert not any(axes.overlaps(box) for box in boxes.values())
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes.values())


def test_real_data_carries_no_synthetic_mark():
    assert "synthetic" not in {text.get_gid() for text in drawn(synthetic=False).texts}


def test_settings_are_left_as_they_were():
    before = dict(matplotlib.rcParams)
    drawn()
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(("background", "expected"), [("white", "black"), ("#08306b", "white"), ("#e69f00", "black")])
def test_text_contrast(background, expected):
    assert figures.text_colour_on(background) == expected


def _dichromat(colour, missing):
    """A colour as seen without long- or medium-wave cones (Vienot, Brettel and Mollon 1999), linear RGB."""
    linear = np.array(to_rgb(colour)) ** 2.2
    to_lms = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
    lms = to_lms @ linear
    if missing == "long":
        lms[0] = 2.02344 * lms[1] - 2.52581 * lms[2]
    else:
        lms[1] = 0.494207 * lms[0] + 1.24827 * lms[2]
    return (np.linalg.solve(to_lms, lms).clip(0, 1)) ** (1 / 2.2)


@pytest.mark.parametrize("missing", ["long", "medium"])
def test_seven_classes_are_told_apart_without_red_or_green_cones(missing):
    seen = [_dichromat(colour, missing) for colour in figures.class_colours(7)]
    apart = [np.abs(a - b).max() for i, a in enumerate(seen) for b in seen[:i]]
    assert min(apart) > 0.08
    assert len(set(figures.MARKERS[:7])) == 7


def test_importing_the_module_does_not_import_matplotlib():
    code = "import sys; import msde_toolkit.figures; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_drawing_and_saving_never_touches_pyplot(tmp_path):
    code = (
        "import sys, pathlib; from msde_toolkit import figures\n"
        "f = figures.new_figure(); f.subplots().plot([1, 2]); figures.mark_synthetic(f)\n"
        "figures.save_figure(f, pathlib.Path(sys.argv[1])); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path / "f"], check=False).returncode == 0


def test_one_file_in_the_format_of_its_name(tmp_path):
    for name, start in (("a.PDF", b"%PDF"), ("b.svg", b"<?xml"), ("c.png", b"\x89PNG")):
        figures.write_figure(drawn(), tmp_path / "new" / name)
        once = (tmp_path / "new" / name).read_bytes()
        figures.write_figure(drawn(), tmp_path / "new" / name)
        assert once.startswith(start)
        assert (tmp_path / "new" / name).read_bytes() == once
    assert len(list((tmp_path / "new").iterdir())) == 3


@pytest.mark.parametrize("name", ["a.jpg", "a", ".png", "png"])
def test_other_formats_are_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"\.png, \.svg or \.pdf"):
        figures.write_figure(drawn(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_legend_of_series_has_their_styles_and_fits_the_figure():
    with figures.paper_style():
        figure = figures.new_figure(figures.SINGLE_COLUMN_MM, 60)
        figure.subplots().plot([0, 1], [0, 1], **figures.series_style(1))
        figures.legend_of_series(
            figure, ["one", "two with a title that is longer than a column is wide, by far indeed"]
        )
    (legend,) = figure.legends
    second = legend.get_lines()[1]
    assert (second.get_color(), second.get_marker()) == tuple(figures.series_style(1).values())
    assert "\n" in legend.get_texts()[1].get_text()
    FigureCanvasAgg(figure).draw()
    assert legend.get_window_extent().x1 <= figure.bbox.x1
