"""The loss, made the way the toolkit makes it: by its name. Needs the package installed (``pip install -e .``)."""

import pytest
import torch
import torch.nn.functional as F
from msde_toolkit import create_loss
from msde_toolkit.interfaces import LossContext, Model, PluginOptions
from msde_toolkit.types import Batch, InputError, ModelOutput, PairBatch
from torch import nn

from msde_kd_template.loss import template_distance


class Net(Model):
    """A network of a second: one convolution, batch norm, and a linear head on 32 features."""

    def __init__(self):
        super().__init__(7, PluginOptions())
        self.backbone = nn.Sequential(nn.Conv2d(3, 32, 4, stride=4), nn.BatchNorm2d(32), nn.ReLU())
        self.head = nn.Linear(32, 7)

    def forward(self, images):
        features = self.backbone(images).mean(dim=(2, 3))
        return ModelOutput(self.head(features), features)


def half(word, count=6, size=32):
    labels = torch.arange(count) % 7
    ids = tuple(f"{word}-{row}" for row in range(count))
    images = torch.rand(count, 3, size, size)
    return Batch(images, labels, F.one_hot(labels, 7).float(), torch.ones(count), torch.zeros(count).long(), ids)


def context(teacher=None):
    return LossContext(0, 1, 7, criterion_for=lambda _: F.cross_entropy, teacher=teacher)


def frozen(model):
    model.eval().requires_grad_(False)
    return torch.no_grad()(lambda images: model(images))


def test_the_distance_is_that_of_directions():
    one, other = torch.tensor([[3.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.0, 5.0], [0.0, 2.0]])
    assert template_distance(one, other).item() == pytest.approx((2 + 0) / 4)
    assert template_distance(one, -one).item() == pytest.approx(4 / 2)
    with pytest.raises(InputError, match="3 and 2 numbers"):
        template_distance(one, torch.ones(2, 3))


def test_the_student_learns_both_terms_and_the_teacher_stays_as_it_is():
    torch.manual_seed(0)
    teacher, student = Net(), Net()
    pairs = PairBatch(half("nm"), half("m"))
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    loss, surroundings = create_loss("kd-template"), context(frozen(teacher))
    optimizer = torch.optim.Adam(student.parameters(), 1e-2)
    terms = []
    for _ in range(30):
        step = loss.step(student, student, pairs, surroundings)
        optimizer.zero_grad()
        step.total.backward()
        optimizer.step()
        terms.append({name: term.item() for name, term in step.terms.items()})
    assert terms[-1]["template"] < 0.85 * terms[0]["template"]
    assert terms[-1]["ce"] < 0.9 * terms[0]["ce"]
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())
    assert all(parameter.grad is None for parameter in teacher.parameters())


@pytest.mark.parametrize(("share", "least", "most"), [(0, 0, 0), (0.5, 70, 130), (1, 200, 200)])
def test_the_student_sees_one_image_of_each_pair(share, least, most):
    pairs, seen = PairBatch(half("nm", 200, 2), half("m", 200, 2)), []

    def forward(images):
        seen.append(images)
        features = images.flatten(1)
        return ModelOutput(features[:, :7], features)

    create_loss("kd-template", {"unmasked_share": share}).step(Net(), forward, pairs, context(forward))
    student, teacher = seen
    assert torch.equal(teacher, pairs.nm.images)
    unmasked = (student == pairs.nm.images).flatten(1).all(dim=1)
    assert least <= int(unmasked.sum()) <= most
    assert torch.equal(student[~unmasked], pairs.m.images[~unmasked])


def test_what_it_needs_and_what_it_tells():
    model, loss = Net(), create_loss("kd-template")
    with pytest.raises(InputError, match="needs pairs"):
        loss.step(model, model, half("nm"), context())
    with pytest.raises(InputError, match="needs a teacher"):
        loss.step(model, model, PairBatch(half("nm"), half("m")), context())
    (note,) = loss.notes(model.eval()(torch.rand(2, 3, 32, 32)))
    assert "32 numbers the term is at most 12.5" in note
