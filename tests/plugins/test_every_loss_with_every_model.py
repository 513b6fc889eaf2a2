"""Every loss with every model: a step gives terms and gradients, or one line that says why it cannot.

Losses are the toolkit's own and those of the example distributions; models are the toolkit's own, at their quick
preset's size. Which pairs refuse, and which terms move nothing, stands here.
"""

import sys
import tomllib
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from tiny_batches import tiny_batch, tiny_context, tiny_pairs

from msde_toolkit import create_model
from msde_toolkit.create import parse_options
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Loss
from msde_toolkit.registry import OUR_DISTRIBUTION, Registry
from msde_toolkit.types import PairBatch

EXAMPLES = Path(__file__).parents[2] / "examples"
ARGUMENTS = {"probe": "probe:resnet18", "timm": "timm:resnet10t"}


def ours(kind):
    """The toolkit's own entry points by name."""
    return {info.name: info.entry_point for info in Registry(kind).plugins() if info.distribution == OUR_DISTRIBUTION}


MODELS = [ARGUMENTS.get(name, name) for name in ours("models")]
VARIANTS = {
    "cl": {"loss.align=maps": {"align": "maps"}},
    "kd": {"loss.align=maps": {"align": "maps"}},
    "kd-triplet": {"loss.selection=hard": {"selection": "hard"}},
}
WITHOUT_MAPS = {"ran", "scan", "probe:resnet18"}
"""Their features are no means of maps, or no maps are kept."""
MOVED_BY_THE_BACKBONE_ALONE = {"contrastive", "mse", "template", "triplet"}
"""Terms of features and nothing else: constants where the backbone is frozen."""


def losses():
    """Name to class: the toolkit's own, then those of the examples, which need not be installed."""
    found = ours("losses")
    for project in sorted(EXAMPLES.glob("*/pyproject.toml")):
        table = tomllib.loads(project.read_text(encoding="utf-8"))["project"].get("entry-points", {})
        for name, target in table.get("msde.losses", {}).items():
            sys.path.append(str(project.parent / "src"))
            found[name] = EntryPoint(name, target, "msde.losses")
    return {name: point.load() for name, point in found.items()}


LOSSES = losses()
CASES = [
    pytest.param(name, options, id=f"{name}-{title}" if title else name)
    for name in LOSSES
    for title, options in {"": {}, **VARIANTS.get(name, {})}.items()
]


@cache
def trained(name):
    """A model at its quick preset's size, and its frozen twin as a teacher; no test changes their weights."""
    torch.manual_seed(0)
    cls = Registry("models").get(name)
    student, teacher = (create_model(name, options=cls.presets.get("quick", {})) for _ in range(2))
    return student, frozen(teacher)


def forward(model):
    """As the engine calls it: images in [0, 1], or the stored features of a frozen backbone."""
    return model.classify if model.frozen else lambda images: model(model.input_spec.normalise(images))


def frozen(model):
    model.eval().requires_grad_(False)
    return torch.no_grad()(forward(model))


def stored(model, batch):
    """What takes the images' place where the backbone is frozen."""
    if not model.frozen:
        return batch
    if isinstance(batch, PairBatch):
        return PairBatch(stored(model, batch.nm), stored(model, batch.m))
    with torch.no_grad():
        return replace(batch, images=model.embed(model.input_spec.normalise(batch.images)))


def step(loss, model, teacher, batch):
    shown = stored(model, batch)
    features = forward(model.eval())(stored(model, tiny_batch(2, model.smallest_input)).images).features
    context = replace(tiny_context(), teacher=teacher, head=loss.make_head(features.shape[1], 7))
    model.train().zero_grad()
    return loss.step(model, forward(model), shown, context), context.head


def check(loss, model, teacher, batch):
    found, head = step(loss, model, teacher, batch)
    found.total.backward()
    assert found.total.isfinite()
    assert found.total.item() == pytest.approx(sum(term.item() for term in found.terms.values()), rel=1e-5)
    constant = {name for name, term in found.terms.items() if not term.requires_grad}
    assert constant == (set(found.terms) & MOVED_BY_THE_BACKBONE_ALONE if model.frozen else set())
    groups = {**model.parameter_groups(), "of the loss": list(head.parameters()) if head is not None else []}
    for name, parameters in groups.items():
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        assert all(gradient.isfinite().all() for gradient in gradients), name
        assert not parameters or any(gradient.abs().sum() > 0 for gradient in gradients), name
    assert any(groups.values())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("name", "options"), CASES)
def test_a_step_gives_terms_and_gradients_or_one_line(name, options, model):
    if model.startswith("timm:") and find_spec("timm") is None:
        pytest.skip("timm is an extra")
    cls = LOSSES[name]
    assert issubclass(cls, Loss)
    loss = cls(parse_options(cls, options, "loss"))
    student, teacher = trained(model)
    pairs = tiny_pairs(4, student.smallest_input)
    if options.get("align") == "maps" and model in WITHOUT_MAPS:
        with pytest.raises(InputError) as refusal:
            step(loss, student, teacher, pairs)
        assert "\n" not in str(refusal.value)
        assert "loss.align=features" in str(refusal.value)
        return
    check(loss, student, teacher, pairs)
    if not loss.needs_pairs:
        check(loss, student, teacher, tiny_batch(4, student.smallest_input))


def test_the_matrix_has_what_it_should():
    assert {"ce", "cl", "kd", "kd-template", "kd-triplet", "focusface"} <= set(LOSSES)
    assert {"resnet18", "resnet34", "resnet50", "ran", "scan", *ARGUMENTS.values()} <= set(MODELS)
    assert set(VARIANTS) <= set(LOSSES)
    assert set(MODELS) >= WITHOUT_MAPS
