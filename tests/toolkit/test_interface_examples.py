"""The plugin at the top of each file of ``msde_toolkit/interfaces`` is what the file says: complete, and working.

Each is written to a module, installed as a distribution of its own and then used by its name, as a stranger's would be.
"""

import ast
from importlib import import_module
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
import torch
from in_memory_run import paired_manifest, tiny_run
from installed import install
from PIL import Image
from tiny_batches import tiny_batch, tiny_context, tiny_pairs

from msde_toolkit import create_loss, create_model, interfaces
from msde_toolkit.create import create_analysis, create_dataset, create_landmarker, create_masker, parse_options
from msde_toolkit.errors import InputError
from msde_toolkit.hooks import Listeners
from msde_toolkit.interfaces import AnalysisContext, Hint
from msde_toolkit.landmarks import canonical_landmarks
from msde_toolkit.types import CLASSES, EpochEnded

INTRODUCTION = "A complete plugin"
FILES = {
    path.stem: path
    for path in Path(interfaces.__file__).parent.glob("*.py")
    if INTRODUCTION in (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")), clean=False) or "")
}


def example(name):
    """The code after the paragraph that introduces it."""
    docstring = ast.get_docstring(ast.parse(FILES[name].read_text(encoding="utf-8")), clean=False)
    introduction, blank, code = docstring.partition(":\n\n")
    assert INTRODUCTION in introduction
    assert blank
    return dedent(code)


@pytest.fixture
def use(site_packages, monkeypatch):
    """Installs a file's example as plugin ``the-example``."""
    monkeypatch.setenv("MSDE_PLUGINS", "msde-the-example")

    def installed(name, group):
        source = example(name)
        (cls,) = [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
        module = f"example_of_{name}"
        install(
            site_packages, "msde-the-example", "1.0", {group: {"the-example": f"{module}:{cls}"}}, **{module: source}
        )
        return "the-example"

    return installed


def test_every_interface_has_its_example():
    assert set(FILES) == {"analysis", "dataset", "landmarker", "listener", "loss", "masker", "model"}


def test_the_model_trains(use):
    torch.manual_seed(0)
    model = create_model(use("model", "msde.models"), classes=7, options={"width": "4"})
    output = model(torch.rand(2, 3, 40, 32))
    assert output.logits.shape == (2, 7)
    assert output.features.shape == (2, 32)
    assert model.backbone[0].out_channels == 4
    batch, loss = tiny_batch(size=8, pixels=32), create_loss("ce")
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    totals = []
    for _ in range(30):
        total = loss.step(model, lambda images: model(model.input_spec.normalise(images)), batch, tiny_context()).total
        optimizer.zero_grad()
        total.backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
        optimizer.step()
        totals.append(total.item())
    assert totals[-1] < totals[0]
    groups = model.parameter_groups()
    assert len(groups["backbone"]) == 4
    assert len(groups["head"]) == 2
    assert model.cam_targets()[0].layer in set(model.modules())


def test_the_loss_aligns_pairs(use):
    loss = create_loss(use("loss", "msde.losses"), {"weight": 10})
    assert loss.needs_pairs
    torch.manual_seed(0)
    model, pairs = create_model("resnet18"), tiny_pairs(pixels=32)
    model.eval()
    forward = lambda images: model(model.input_spec.normalise(images))  # noqa: E731
    step = loss.step(model, forward, pairs, tiny_context())
    with torch.no_grad():
        nm, m = forward(pairs.nm.images).features, forward(pairs.m.images).features
    terms = {name: term.item() for name, term in step.terms.items()}
    assert set(terms) == {"ce", "distance"}
    assert terms["distance"] == pytest.approx(10 * (nm - m).pow(2).mean().item(), rel=1e-4)
    assert step.total.item() == pytest.approx(terms["ce"] + terms["distance"])
    step.total.backward()
    assert model.head.weight.grad.abs().sum() > 0
    assert model.backbone.conv1.weight.grad.abs().sum() > 0


def test_the_dataset_reads_a_folder_of_images(use, tmp_path):
    dataset = create_dataset(use("dataset", "msde.datasets"))
    root = tmp_path / "faces"
    for label, name in enumerate(CLASSES):
        (root / name).mkdir(parents=True)
        for number in range(2):
            colour = (10 * label, 100 * number, 200)
            Image.new("RGB", (12, 9), colour).save(root / name / f"{number}.png")
    manifest = dataset.load(root, parse_options(type(dataset), {}, "data"))
    assert len(manifest) == 14
    assert manifest.frame["label"].tolist() == [label for label in range(7) for _ in range(2)]
    assert manifest.conditions == ("nm",)
    images = dataset.read(manifest)
    assert {image.shape for image in images} == {(9, 12, 3)}
    assert images[5][0, 0].tolist() == [20, 100, 200]
    only = dataset.load(root, parse_options(type(dataset), {"pattern": "1.png"}, "data"))
    assert len(only) == 7
    with pytest.raises(InputError, match="--root"):
        dataset.load(None, parse_options(type(dataset), {}, "data"))


def test_the_masker_covers_the_lower_half(use):
    masker = create_masker(use("masker", "msde.maskers"))
    image = np.random.default_rng(0).integers(0, 80, (64, 64, 3), dtype=np.uint8)
    landmarks = canonical_landmarks(64, 64)
    masked, alpha = masker.apply(image, landmarks, np.random.default_rng(1))
    nose = int(landmarks[30, 1])
    assert 0 < nose < 63
    assert (alpha[:nose] == 0).all()
    assert (alpha[nose:] == 255).all()
    assert np.array_equal(masked[:nose], image[:nose])
    assert (masked[nose:] == masked[-1, -1, 0]).all()
    assert 90 <= masked[-1, -1, 0] < 160
    again, _ = masker.apply(image, landmarks, np.random.default_rng(1))
    assert np.array_equal(masked, again)
    assert (image < 80).all(), "the given image is left as it was"


def test_the_landmarker_finds_the_brightest_spots(use):
    landmarker = create_landmarker(use("landmarker", "msde.landmarkers"))
    image = np.random.default_rng(0).integers(0, 80, (40, 60, 3), dtype=np.uint8)
    image[12, 20] = image[14, 45] = 200
    image[30, 10] = 190
    (face,) = landmarker.find(image, Hint())
    assert face.eyes.tolist() == [[20, 12], [45, 14]]
    assert (face.landmarks, face.box) == (None, None)
    (face,) = landmarker.find(image, Hint(box=(4, 20, 50, 20)))
    assert face.eyes[0].tolist() == [10, 30]
    assert 29 <= face.eyes[1, 0] < 54
    assert 20 <= face.eyes[1, 1] < 40
    assert face.box == (4, 20, 50, 20)


@pytest.mark.parametrize("condition", ["nm", "m"])
def test_the_analysis_counts_predictions(use, condition):
    analysis = create_analysis(use("analysis", "msde.analyses"), {"condition": condition})
    run = tiny_run(paired_manifest(pairs=7))
    result = analysis.run(AnalysisContext([run], Path()))
    assert result.summary == {"condition": condition}
    held_out = run.predictions
    held_out = held_out[held_out["condition"] == condition]
    expected = [int((held_out["predicted"] == label).sum()) for label in range(7)]
    assert result.tables["counts"]["count"].tolist() == expected
    assert sum(expected) == 7


def test_the_listener_hears(use, capsys):
    use("listener", "msde.hooks")
    event = EpochEnded("run", 0, "02", 3, 5, {"ce": 0.5}, images_per_second=10.0, seconds=1.0)
    Listeners().tell("msde_epoch_ended", event)
    assert capsys.readouterr().out == "02 3 {'ce': 0.5}\n"


def test_the_options_of_the_introduction_are_checked():
    docstring = ast.get_docstring(
        ast.parse(Path(interfaces.__file__).with_name("plugin.py").read_text(encoding="utf-8"))
    )
    code = dedent("\n".join(line for line in docstring.splitlines() if line.startswith("    ")))
    scope = {"PluginOptions": interfaces.PluginOptions, "Field": import_module("pydantic").Field}
    exec(code, scope)
    plugin = type("WithOptions", (interfaces.Plugin,), {"Options": scope["Options"]})
    assert parse_options(plugin, {"gain": "2.5"}, "model").gain == 2.5
    with pytest.raises(InputError, match=r"^model\.gain = -1: "):
        parse_options(plugin, {"gain": -1}, "model")
