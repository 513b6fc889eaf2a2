"""Losses that each break one promise, and one that keeps all."""

import torch
import torch.nn.functional as F
from torch import nn

from msde_toolkit.interfaces import Loss
from msde_toolkit.types import LossTerms


class Sound(Loss):
    summary = "Cross entropy plus distance of a pair's features"
    reference = "Own work"
    licence = "Apache-2.0"
    needs_pairs = True

    def step(self, model, forward, batch, context):
        return LossTerms.summed(self.terms(model, forward, batch, context))

    def terms(self, model, forward, batch, context):
        joined = batch.joined()
        output = forward(joined.images)
        nm, m = output.split()
        terms = dict(model.classification_loss(output, joined.targets, context.criterion(joined)))
        terms["distance"] = (nm.features - m.features).pow(2).mean()
        return terms


class TotalOfItsOwn(Sound):
    def step(self, model, forward, batch, context):
        terms = self.terms(model, forward, batch, context)
        return LossTerms(2 * sum(terms.values()), terms)


class TermOfEachRow(Sound):
    def terms(self, model, forward, batch, context):
        terms = super().terms(model, forward, batch, context)
        return {**terms, "rows": torch.ones(3) * terms["distance"]}

    def step(self, model, forward, batch, context):
        terms = self.terms(model, forward, batch, context)
        return LossTerms(terms["ce"], terms)


class Infinite(Sound):
    def terms(self, model, forward, batch, context):
        terms = super().terms(model, forward, batch, context)
        return {**terms, "distance": terms["distance"] / 0.0}


class TakesNoSamples(Sound):
    needs_pairs = False


class PastTheBackbone(Sound):
    def terms(self, model, forward, batch, context):
        joined = batch.joined()
        logits = model.head(forward(joined.images).features.detach())
        return {"ce": context.criterion(joined)(logits, joined.targets)}


class CrossEntropyOfItsOwn(Sound):
    def terms(self, model, forward, batch, context):
        joined = batch.joined()
        return {"ce": F.cross_entropy(forward(joined.images).logits, joined.targets)}


class FirstClassifierOnly(Sound):
    def terms(self, model, forward, batch, context):
        joined = batch.joined()
        return {"ce": context.criterion(joined)(forward(joined.images).logits, joined.targets)}


class WeightsOfOneHalf(Sound):
    def terms(self, model, forward, batch, context):
        joined = batch.joined()
        output = forward(joined.images)
        return model.classification_loss(output, joined.targets, context.criterion(batch.nm))


class CallsTheModel(Sound):
    def terms(self, model, forward, batch, context):
        return super().terms(model, model, batch, context)


class PaintsOnTheBatch(Sound):
    def terms(self, model, forward, batch, context):
        batch.nm.images[:, :, :4] = 0
        return super().terms(model, forward, batch, context)


class DrawsFromTorch(Sound):
    def terms(self, model, forward, batch, context):
        terms = super().terms(model, forward, batch, context)
        return {**terms, "distance": torch.rand(()) * terms["distance"]}


class Climbs(Sound):
    def terms(self, model, forward, batch, context):
        return {name: -value for name, value in super().terms(model, forward, batch, context).items()}

    def step(self, model, forward, batch, context):
        terms = self.terms(model, forward, batch, context)
        total = sum(terms.values())
        # Its gradient is that of the other direction: the mistake of a sign inside a custom function.
        return LossTerms(total.detach() - (total - total.detach()), terms)


class DeadTerm(Sound):
    def terms(self, model, forward, batch, context):
        terms = super().terms(model, forward, batch, context)
        return {**terms, "distance": terms["distance"].detach()}


class AsksNoTeacher(Sound):
    needs_teacher = True


class IdleHead(Sound):
    def make_head(self, features, classes):
        return nn.Linear(features, 2)


class HeadOfItsOwn(Sound):
    """Sound, with a head that tells masked from unmasked and a teacher."""

    needs_teacher = True

    def make_head(self, features, classes):
        return nn.Linear(features, 2)

    def terms(self, model, forward, batch, context):
        joined = batch.joined()
        output = forward(joined.images)
        terms = dict(model.classification_loss(output, joined.targets, context.criterion(joined)))
        terms["mask"] = F.cross_entropy(context.head(output.features), joined.condition)
        terms["teacher"] = (output.features - context.teacher(joined.images).features).pow(2).mean()
        return terms


class NotesOfNumbers(Sound):
    def notes(self, output):
        return [0.5]
