"""The loss, made the way the toolkit makes it: by its name. Needs the package installed (``pip install -e .``)."""

import pytest
import torch
import torch.nn.functional as F
from msde_toolkit import create_loss
from msde_toolkit.interfaces import LossContext, Model, PluginOptions
from msde_toolkit.types import Batch, InputError, ModelOutput, PairBatch
from torch import nn


class Net(Model):
    """A network of a second: one convolution, batch norm, and a linear head on 32 features."""

    def __init__(self):
        super().__init__(7, PluginOptions())
        self.backbone = nn.Sequential(nn.Conv2d(3, 32, 4, stride=4), nn.BatchNorm2d(32), nn.ReLU())
        self.head = nn.Linear(32, 7)

    def forward(self, images):
        features = self.backbone(images).mean(dim=(2, 3))
        return ModelOutput(self.head(features), features)


def half(word, shade, count=6):
    """Images that are a little darker or lighter, so that mask presence can be learnt."""
    labels = torch.arange(count) % 7
    ids = tuple(f"{word}-{row}" for row in range(count))
    images = torch.rand(count, 3, 32, 32) * 0.7 + shade
    return Batch(images, labels, F.one_hot(labels, 7).float(), torch.ones(count), torch.zeros(count).long(), ids)


def context(head=None):
    return LossContext(0, 1, 7, criterion_for=lambda _: F.cross_entropy, head=head)


def test_the_terms_are_those_of_the_formula():
    torch.manual_seed(0)
    model, pairs = Net(), PairBatch(half("nm", 0.0), half("m", 0.3))
    loss = create_loss("focusface", {"contrastive_weight": 0.5, "mask_weight": 2})
    head = loss.make_head(32, 7)
    step = loss.step(model, model, pairs, context(head))
    output = model(pairs.joined().images)
    nm, m = output.split()
    masked = head(output.features).log_softmax(dim=1)
    assert step.terms["contrastive"].item() == pytest.approx(
        0.5 * (nm.features - m.features).pow(2).mean().item(), 1e-4
    )
    assert step.terms["mask"].item() == pytest.approx(-(masked[:6, 0].mean() + masked[6:, 1].mean()).item(), 1e-4)
    expected = F.cross_entropy(output.logits, pairs.joined().targets)
    assert step.terms["ce"].item() == pytest.approx(expected.item(), 1e-4)
    assert step.total.item() == pytest.approx(sum(term.item() for term in step.terms.values()), 1e-5)


def test_model_and_head_learn_and_the_head_tells_masked_from_unmasked():
    torch.manual_seed(0)
    model, pairs = Net(), PairBatch(half("nm", 0.0), half("m", 0.3))
    loss = create_loss("focusface", {"mask_weight": 1, "contrastive_weight": 0.1})
    head = loss.make_head(32, 7)
    optimizer = torch.optim.Adam([*model.parameters(), *head.parameters()], 1e-2)
    terms = []
    for _ in range(30):
        step = loss.step(model, model, pairs, context(head))
        optimizer.zero_grad()
        step.total.backward()
        optimizer.step()
        terms.append({name: term.item() for name, term in step.terms.items()})
    assert all(parameter.grad.abs().sum() > 0 for parameter in head.parameters())
    assert terms[-1]["mask"] < 0.7 * terms[0]["mask"]
    assert terms[-1]["ce"] < 0.9 * terms[0]["ce"]
    with torch.no_grad():
        told = head(model(pairs.joined().images).features).argmax(dim=1)
    assert told.tolist() == [0] * 6 + [1] * 6


def test_alone_the_contrast_pulls_a_pair_together():
    torch.manual_seed(0)
    model, pairs = Net(), PairBatch(half("nm", 0.0), half("m", 0.3))
    loss = create_loss("focusface", {"mask_weight": 0, "contrastive_weight": 10})
    head = loss.make_head(32, 7)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    distances = []
    for _ in range(30):
        step = loss.step(model, model, pairs, context(head))
        optimizer.zero_grad()
        step.total.backward()
        optimizer.step()
        distances.append(step.terms["contrastive"].item())
    assert distances[-1] < 0.8 * distances[0]


def test_what_it_needs():
    model, loss = Net(), create_loss("focusface")
    with pytest.raises(InputError, match="needs pairs"):
        loss.step(model, model, half("nm", 0.0), context())
    with pytest.raises(InputError, match="needs the head"):
        loss.step(model, model, PairBatch(half("nm", 0.0), half("m", 0.3)), context())
    assert loss.make_head(5, 3)(torch.rand(2, 5)).shape == (2, 2)
