"""What is asked of a model: shapes, seeds, gradients, parameters, files. Modes and devices are in ``model_modes``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from msde_toolkit.create import create_model
from msde_toolkit.errors import InputError
from msde_toolkit.testing.checks import Checklist, in_one_line, require, skip
from msde_toolkit.testing.model_modes import MODES
from msde_toolkit.testing.model_under_test import ModelUnderTest, classification_total, distance
from msde_toolkit.testing.plugin import PluginUnderTest
from msde_toolkit.testing.report import Finding
from msde_toolkit.types import ModelOutput

MODEL: Checklist[ModelUnderTest] = Checklist()
ROUNDING = 1e-4
"""Largest difference, as a share of the largest value, that the order of additions may make in fp32."""
STEPS = 3
"""Steps after which every parameter must have seen a gradient (a head of zeros hides the backbone from the first)."""


def ask(plugin: PluginUnderTest) -> Iterator[Finding]:
    """All findings about a model."""
    model = ModelUnderTest(plugin)
    yield from MODEL.ask(model)
    yield from MODES.ask(model)


@MODEL.check(
    "shapes",
    remedy="forward returns ModelOutput(logits [B, C], features [B, F], extras), each with a row for each image.",
)
def shapes(model: ModelUnderTest) -> str:
    """Several batch sizes (one image too, in evaluation mode), class counts and image sizes."""
    widths = set()
    for classes, count, pixels in ((7, 1, model.pixels), (7, 3, model.pixels + 16), (3, 2, model.pixels)):
        network = model.evaluating if classes == model.evaluating.classes else model.of_three_classes
        with torch.no_grad():
            output = network(model.images(count, pixels))
        _check_shapes(output, count, classes)
        widths.add(output.features.shape[1])
    require(len(widths) == 1, f"F changes with the images or classes: {sorted(widths)}")
    return f"logits [B, C], features [B, {widths.pop()}]"


def _check_shapes(output: ModelOutput, count: int, classes: int) -> None:
    require(isinstance(output, ModelOutput), f"forward returns a {type(output).__name__}, no ModelOutput")
    logits, features = list(output.logits.shape), list(output.features.shape)
    require(logits == [count, classes], f"logits of {count} images and {classes} classes are {logits}")
    require(len(features) == 2 and features[0] == count, f"features of {count} images are {features}")
    for name, value in {"logits": output.logits, "features": output.features, **output.extras}.items():
        require(len(value) == count, f"{name} of {count} images has {len(value)} rows")
        require(bool(torch.isfinite(value).all()), f"{name} holds numbers that are not finite")


@MODEL.check(
    "classes",
    remedy="Take the number of classes from the constructor and pass it on: super().__init__(classes, options).",
)
def classes_are_kept(model: ModelUnderTest) -> None:
    """The model knows its class count and its options."""
    network = model.of_three_classes
    require(network.classes == 3, f"made with 3 classes, it says {network.classes}")
    require(network.options == model.plugin.options, "its options are not those it was made with")


@MODEL.check(
    "same seed, same weights",
    remedy="Draw initial weights with torch's generator, and do not seed it in the constructor: the engine does.",
)
def seeded_weights(model: ModelUnderTest) -> None:
    """Weights are a function of torch's seed, and another seed gives others."""
    one, again, other = (
        list(network.state_dict().items()) for network in (model.evaluating, model.make(seed=0), model.make(seed=1))
    )
    changed = [key for (key, value), (_, same) in zip(one, again, strict=True) if not torch.equal(value, same)]
    require(not changed, f"made twice from one seed, these differ: {_few(changed)}")
    differ = any(not torch.equal(value, same) for (_, value), (_, same) in zip(one, other, strict=True))
    require(differ, "every seed gives the same weights")


@MODEL.check(
    "evaluation is repeatable", remedy="No randomness in evaluation mode: dropout and the like ask self.training."
)
def repeatable(model: ModelUnderTest) -> None:
    """The same images twice give the same output to the bit."""
    with torch.no_grad():
        first, second = model.evaluating(model.images(3)), model.evaluating(model.images(3))
    require(torch.equal(first.logits, second.logits), "the same images give other logits the second time")
    require(torch.equal(first.features, second.features), "the same images give other features the second time")


@MODEL.check(
    "rows are independent",
    remedy="In evaluation mode an image's output must not depend on the others of its batch.",
)
def independent_rows(model: ModelUnderTest) -> str:
    """An image alone equals itself within a batch."""
    images = model.images(3)
    with torch.no_grad():
        together = model.evaluating(images)
        alone = [model.evaluating(images[row : row + 1]) for row in range(3)]
    logits = distance(together.logits, torch.cat([output.logits for output in alone]))
    features = distance(together.features, torch.cat([output.features for output in alone]))
    require(max(logits, features) <= ROUNDING, f"an image alone differs by {max(logits, features):.1e} of the largest")
    return f"largest difference {max(logits, features):.0e}"


@MODEL.check(
    "gradient reaches every parameter",
    remedy="Use each trainable parameter in what classification_loss reads, or switch its requires_grad off.",
)
def gradients(model: ModelUnderTest) -> str:
    """Within a few steps of training by the model's own classification loss."""
    network = model.make().train()
    trainable = {name: value for name, value in network.named_parameters() if value.requires_grad}
    require(trainable, "it has no trainable parameter")
    reached: set[str] = set()
    descent = torch.optim.SGD(trainable.values(), 0.01)
    for _ in range(STEPS):
        descent.zero_grad()
        classification_total(network, model.images(8)).backward()  # type: ignore[no-untyped-call]
        reached |= {name for name, value in trainable.items() if value.grad is not None and bool(value.grad.any())}
        descent.step()
    missed = [name for name in trainable if name not in reached]
    require(not missed, f"{len(missed)} of {len(trainable)} get no gradient: {_few(missed)}")
    return f"{len(trainable)} parameters, {sum(value.numel() for value in trainable.values()):,} numbers"


@MODEL.check(
    "parameter groups",
    remedy="Keep the feature extractor in self.backbone, or override parameter_groups: backbone and head, each once.",
)
def parameter_groups(model: ModelUnderTest) -> str:
    """Backbone and head together are the trainable parameters, none twice."""
    network = model.evaluating
    groups = network.parameter_groups()
    require(set(groups) == {"backbone", "head"}, f"the groups are {', '.join(groups)}; expected backbone, head")
    grouped = [id(value) for values in groups.values() for value in values]
    trainable = {id(value): name for name, value in network.named_parameters() if value.requires_grad}
    require(len(grouped) == len(set(grouped)), "a parameter is in the groups twice")
    left_out = [name for key, name in trainable.items() if key not in set(grouped)]
    require(not left_out, f"in no group: {_few(left_out)}")
    require(set(grouped) <= set(trainable), "the groups hold parameters that do not train")
    require(groups["head"], "the group head is empty")
    if network.frozen:
        require(not groups["backbone"], "it is frozen, yet its backbone has trainable parameters")
    else:
        require(groups["backbone"], "the group backbone is empty: its rate and its pretrained weights go nowhere")
    return ", ".join(f"{name} {sum(value.numel() for value in values):,}" for name, values in groups.items())


@MODEL.check(
    "saved and loaded it is the same",
    remedy="Everything that shapes the output must be in state_dict(): parameters, and buffers that are persistent.",
)
def saved_and_loaded(model: ModelUnderTest) -> None:
    """Through a safetensors file and ``create_model(..., weights=FILE)``, after its statistics have moved."""
    from safetensors.torch import save_file

    network = model.make().train()
    with torch.no_grad():
        network(model.images(4))
    state = {name: value.detach().clone().contiguous() for name, value in network.state_dict().items()}
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as folder:
        save_file(state, Path(folder) / "model.safetensors")
        again = create_model(
            model.plugin.name, classes=7, options=model.plugin.options, weights=Path(folder) / "model.safetensors"
        )
    images = model.images(3)
    with torch.no_grad():
        before, after = network.eval()(images), again.eval()(images)
    require(torch.equal(before.logits, after.logits), "the loaded model gives other logits")
    require(torch.equal(before.features, after.features), "the loaded model gives other features")


@MODEL.check(
    "too small an image is said to be",
    remedy="Raise InputError below smallest_input, with the size it needs; or lower smallest_input.",
)
def too_small(model: ModelUnderTest) -> str:
    """Half of ``smallest_input`` either works or is refused in words."""
    pixels = max(1, model.pixels // 2)
    try:
        with torch.no_grad():
            output = model.evaluating(model.images(2, pixels))
    except InputError as error:
        return in_one_line(error)
    _check_shapes(output, 2, model.evaluating.classes)
    return f"{pixels} px work as well"


@MODEL.check(
    "frozen features",
    remedy="Of a frozen model, forward(images) is classify(embed(images)), and embed gives the same at every call.",
)
def frozen_features(model: ModelUnderTest) -> str:
    """``embed`` does not depend on the mode, and ``classify`` of it is ``forward``."""
    if not model.evaluating.frozen:
        skip("its backbone trains")
    network = model.make().train()
    images = model.images(3)
    with torch.no_grad():
        training, evaluating = network.embed(images), network.eval().embed(images)
        output, stored = network(images), network.classify(evaluating)
    require(training.ndim == 2 and len(training) == 3, f"embed of 3 images is {list(training.shape)}")
    require(torch.equal(training, evaluating), "embed differs between training and evaluation mode")
    gap = max(distance(output.logits, stored.logits), distance(output.features, stored.features))
    require(gap <= ROUNDING, f"classify(embed(images)) differs from forward(images) by {gap:.1e} of the largest")
    return f"embed [B, {training.shape[1]}]"


def _few(names: list[str], shown: int = 4) -> str:
    rest = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + rest
