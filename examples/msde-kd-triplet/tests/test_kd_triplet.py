"""The loss, made the way the toolkit makes it: by its name. Needs the package installed (``pip install -e .``)."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from msde_toolkit import create_loss
from msde_toolkit.interfaces import LossContext, Model, PluginOptions
from msde_toolkit.types import Batch, InputError, ModelOutput, PairBatch
from torch import nn

from msde_kd_triplet.triplets import hard_order, seeded_order, triplet_distance


class Net(Model):
    """A network of a second: one convolution, batch norm, and a linear head on 32 features."""

    def __init__(self):
        super().__init__(7, PluginOptions())
        self.backbone = nn.Sequential(nn.Conv2d(3, 32, 4, stride=4), nn.BatchNorm2d(32), nn.ReLU())
        self.head = nn.Linear(32, 7)

    def forward(self, images):
        features = self.backbone(images).mean(dim=(2, 3))
        return ModelOutput(self.head(features), features)


def half(word, labels=(0, 0, 1, 1, 2, 2), size=32):
    labels = torch.tensor(labels)
    count = len(labels)
    ids = tuple(f"{word}-{row}" for row in range(count))
    images = torch.rand(count, 3, size, size) * 0.4
    images[torch.arange(count), labels % 3] += 0.6  # a colour for each class, which any teacher tells apart
    return Batch(images, labels, F.one_hot(labels, 7).float(), torch.ones(count), torch.zeros(count).long(), ids)


def context(teacher=None):
    return LossContext(0, 1, 7, criterion_for=lambda _: F.cross_entropy, teacher=teacher)


def echo(images):
    features = images.flatten(1)
    return ModelOutput(features[:, :7], features)


def frozen(model):
    model.eval().requires_grad_(False)
    return torch.no_grad()(lambda images: model(images))


def on_circle(*degrees):
    angles = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def squared(degrees):
    """Squared distance of two unit vectors with this angle between them."""
    return 2 - 2 * torch.deg2rad(torch.tensor(float(degrees))).cos().item()


def test_the_hardest_triplet_is_the_farthest_positive_and_the_nearest_negative():
    anchors, candidates = 5 * on_circle(0), 0.1 * on_circle(10, 80, 40, 170)
    same = torch.tensor([[True, True, False, False]])
    found = triplet_distance(anchors, candidates, same, hard_order(anchors, candidates), margin=0.1)
    assert found.item() == pytest.approx(squared(80) - squared(40) + 0.1)
    candidates = 0.1 * on_circle(10, 20, 90, 170)
    assert triplet_distance(anchors, candidates, same, hard_order(anchors, candidates), margin=0.1).item() == 0


def test_seeded_triplets_are_drawn_from_the_right_classes_evenly_and_whatever_the_order():
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.zeros(4), torch.zeros(4)]
    same = torch.tensor([[True, False, True, False]])
    for _ in range(2000):
        order = seeded_order(*(torch.rand(count, generator=generator) for count in (1, 4, 4)))
        for counts, numbers, allowed in zip(drawn, order, (same, ~same), strict=True):
            counts[numbers.masked_fill(~allowed, -1).argmax()] += 1
    assert (drawn[0] > 0).tolist() == [True, False, True, False]
    assert (drawn[1] > 0).tolist() == [False, True, False, True]
    assert all(counts.max() < 1200 for counts in drawn)


def test_anchors_without_a_positive_or_a_negative_form_no_triplet():
    anchors = on_circle(0, 90, 200).requires_grad_()
    candidates = on_circle(30, 120)
    same = torch.tensor([[True, True], [False, False], [True, False]])
    order = hard_order(anchors, candidates)
    found = triplet_distance(anchors, candidates, same, order, margin=4)
    assert found.item() == pytest.approx(squared(170) - squared(80) + 4)
    alone = triplet_distance(anchors[:2], candidates, same[:2], (order[0][:2], order[1][:2]), margin=4)
    alone.backward()
    assert alone.item() == 0
    assert torch.equal(anchors.grad, torch.zeros_like(anchors))


@pytest.mark.parametrize("selection", ["seeded", "hard"])
def test_the_term_follows_the_samples_not_the_order_of_the_batch(selection):
    pairs, order = PairBatch(half("nm", size=4), half("m", size=4)), torch.tensor([4, 1, 5, 0, 3, 2])

    def moved(part):
        names = ("images", "labels", "targets", "weight", "condition")
        tensors = {name: getattr(part, name)[order] for name in names}
        return replace(part, ids=tuple(part.ids[row] for row in order.tolist()), **tensors)

    loss, model = create_loss("kd-triplet", {"selection": selection, "margin": 4}), Net()
    first, second = (
        loss.step(model, echo, batch, context(echo)).terms["triplet"].item()
        for batch in (pairs, PairBatch(moved(pairs.nm), moved(pairs.m)))
    )
    assert second == pytest.approx(first, rel=1e-5)


@pytest.mark.parametrize("options", [{"selection": "hard"}, {"masked_only": True}])
def test_the_student_learns_both_terms_and_the_teacher_stays_as_it_is(options):
    torch.manual_seed(0)
    teacher, student = Net(), Net()
    pairs = PairBatch(half("nm"), half("m"))
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    loss, surroundings = create_loss("kd-triplet", options), context(frozen(teacher))
    optimizer = torch.optim.Adam(student.parameters(), 1e-2)
    terms = []
    for _ in range(30):
        step = loss.step(student, student, pairs, surroundings)
        optimizer.zero_grad()
        step.total.backward()
        optimizer.step()
        terms.append({name: term.item() for name, term in step.terms.items()})
    assert terms[0]["triplet"] > 0
    assert terms[-1]["triplet"] < 0.8 * terms[0]["triplet"]
    assert terms[-1]["ce"] < 0.9 * terms[0]["ce"]
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())
    assert all(parameter.grad is None for parameter in teacher.parameters())


@pytest.mark.parametrize(("masked_only", "images"), [(True, 6), (False, 12)])
def test_which_images_the_student_sees(masked_only, images):
    pairs, seen = PairBatch(half("nm", size=4), half("m", size=4)), []

    def forward(shown):
        seen.append(shown)
        return echo(shown)

    loss = create_loss("kd-triplet", {"masked_only": masked_only})
    loss.step(Net(), forward, pairs, context(echo))
    assert [len(shown) for shown in seen] == [images]
    assert torch.equal(seen[0][-6:], pairs.m.images)


def test_a_batch_of_one_class_trains_the_classifier_only():
    model = Net()
    pairs = PairBatch(half("nm", (3, 3, 3)), half("m", (3, 3, 3)))
    step = create_loss("kd-triplet").step(model, model, pairs, context(frozen(Net())))
    step.total.backward()
    assert step.terms["triplet"].item() == 0
    assert model.head.weight.grad.abs().sum() > 0


def test_what_it_needs():
    model, loss = Net(), create_loss("kd-triplet")
    pairs = PairBatch(half("nm"), half("m"))
    with pytest.raises(InputError, match="needs pairs"):
        loss.step(model, model, half("nm"), context())
    with pytest.raises(InputError, match="needs a teacher"):
        loss.step(model, model, pairs, context())
    with pytest.raises(InputError, match="3072 and 32 numbers"):
        loss.step(model, model, pairs, context(echo))
