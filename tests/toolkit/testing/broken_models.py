"""Models that each break one promise, and one that keeps all."""

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import ConfigDict, Field
from torch import nn

from msde_toolkit.interfaces import Model, PluginOptions, Switch
from msde_toolkit.types import CamTarget, ModelOutput


class Sound(Model):
    summary = "Two convolutions and a linear head"
    reference = "Own work"
    licence = "Apache-2.0"
    smallest_input = 16

    class Options(PluginOptions):
        width: int = Field(4, ge=1, description="Channels.")

    def __init__(self, classes, options):
        super().__init__(classes, options)
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 8, 3, 2, 1), nn.ReLU()
        )
        self.head = nn.Linear(8, classes)

    def forward(self, images):
        maps = self.backbone(images)
        features = maps.mean(dim=(2, 3))
        return ModelOutput(self.head(features), features, {"maps": maps})

    def cam_targets(self):
        return [CamTarget("last", self.backbone[-1])]


class AlwaysTenClasses(Sound):
    def __init__(self, classes, options):
        super().__init__(classes, options)
        self.head = nn.Linear(8, 10)


class MapsAsFeatures(Sound):
    def forward(self, images):
        output = super().forward(images)
        return ModelOutput(output.logits, output.extras["maps"])


class ExtrasOfTheBatch(Sound):
    def forward(self, images):
        output = super().forward(images)
        return ModelOutput(output.logits, output.features, {"mean": output.features.mean(dim=0)})


class SeedsItself(Sound):
    def __init__(self, classes, options):
        torch.manual_seed(0)
        super().__init__(classes, options)


class WeightsOfNumpy(Sound):
    def __init__(self, classes, options):
        super().__init__(classes, options)
        self.head.bias.data = torch.from_numpy(np.random.default_rng().random(classes, dtype=np.float32))


class DropsInEvaluation(Sound):
    def forward(self, images):
        output = super().forward(images)
        features = F.dropout(output.features, 0.5)
        return ModelOutput(self.head(features), features)


class CentresOnTheBatch(Sound):
    def forward(self, images):
        features = super().forward(images).features
        features = features - features.mean(dim=0)
        return ModelOutput(self.head(features), features)


class LeftOver(Sound):
    def __init__(self, classes, options):
        super().__init__(classes, options)
        self.unused = nn.Linear(8, 2)


class NothingInTheBackbone(Sound):
    def __init__(self, classes, options):
        super().__init__(classes, options)
        self.trunk = self.backbone
        del self.backbone

    def forward(self, images):
        features = self.trunk(images).mean(dim=(2, 3))
        return ModelOutput(self.head(features), features)

    def cam_targets(self):
        return []


class HeadTwice(Sound):
    def parameter_groups(self):
        return {"backbone": list(self.parameters()), "head": list(self.head.parameters())}


class WeightsAside(Sound):
    def __init__(self, classes, options):
        super().__init__(classes, options)
        self.scale = torch.rand(8)

    def forward(self, images):
        features = super().forward(images).features * self.scale
        return ModelOutput(self.head(features), features)


class StaysInEvaluation(Sound):
    """Once evaluated, its batch norm never trains again."""

    def train(self, mode=True):
        self.evaluated = getattr(self, "evaluated", False) or not mode
        super().train(mode)
        self.backbone.train(mode and not self.evaluated)
        return self


class LearnsInEvaluation(Sound):
    def forward(self, images):
        if not self.training:
            self.backbone[1].running_mean += 0.01
        return super().forward(images)


class LogOfADifference(Sound):
    def forward(self, images):
        output = super().forward(images)
        tiny = (1 + 1e-3 * self.head(output.features).sigmoid()) - 1
        return ModelOutput(tiny.log(), output.features)


class RunsItsLayerTwice(Sound):
    def forward(self, images):
        super().forward(images.flip(3))
        return super().forward(images)


class ExplainsWhatIsUnused(Sound):
    def __init__(self, classes, options):
        super().__init__(classes, options)
        self.side = nn.Conv2d(3, 2, 3)

    def forward(self, images):
        output = super().forward(images)
        return ModelOutput(output.logits, output.features, {"side": self.side(images)})

    def classification_loss(self, output, targets, criterion):
        return {"ce": criterion(output.logits, targets), "side": output.extras["side"].pow(2).mean()}

    def cam_targets(self):
        return [CamTarget("side", self.side)]


class LandsOnOneFace(Sound):
    def cam_targets(self):
        return [CamTarget("last", self.backbone[-1], to_face=lambda maps: maps[:1])]


class BreaksOnSmallImages(Sound):
    def forward(self, images):
        return super().forward(F.avg_pool2d(images, 15, 1, padding=0).repeat(1, 1, 4, 4))


class Frozen(Sound):
    """Sound, and its backbone never trains."""

    frozen = True

    def __init__(self, classes, options):
        super().__init__(classes, options)
        self.backbone.requires_grad_(False)

    def train(self, mode=True):
        super().train(mode)
        self.backbone.eval()
        return self

    def embed(self, images):
        return self.backbone(images).mean(dim=(2, 3))

    def classify(self, features):
        return ModelOutput(self.head(features), features)

    def forward(self, images):
        return self.classify(self.embed(images))


class FrozenYetAnother(Frozen):
    def classify(self, features):
        return ModelOutput(2 * self.head(features), features)

    def forward(self, images):
        features = self.embed(images)
        return ModelOutput(self.head(features), features)


class FrozenYetMoving(Frozen):
    def train(self, mode=True):
        return nn.Module.train(self, mode)


class FrozenYetTrained(Frozen):
    def __init__(self, classes, options):
        super().__init__(classes, options)
        self.backbone[0].requires_grad_(True)


class SaysNothing(Sound):
    summary = ""
    licence = "unknown"


class TakesAnything(Sound):
    class Options(PluginOptions):
        model_config = ConfigDict(extra="ignore")
        width: int = Field(4, description="Channels.")


class DefaultOutOfRange(Sound):
    class Options(PluginOptions):
        width: int = Field(0, ge=1, description="Channels.")


class OptionsOfObjects(Sound):
    class Options(PluginOptions):
        widths: object = Field((4, 8), description="Channels.")


class Undescribed(Sound):
    class Options(PluginOptions):
        width: int = 4


class PresetOfNothing(Sound):
    presets = {"quick": {"depth": 2}}  # noqa: RUF012


class PresetOfItsOwn(Sound):
    presets = {"tiny": {"width": 2}}  # noqa: RUF012


class SwitchOfNothing(Sound):
    profiles = {"code": (Switch("model.depth", 2, "another depth", "Sec. 3"),)}  # noqa: RUF012


class SwitchOfAnother(Sound):
    profiles = {"code": (Switch("loss.weight", 2, "another weight", "Sec. 3"),)}  # noqa: RUF012


class SwitchOutOfRange(Sound):
    profiles = {"code": (Switch("train.epochs", 0, "no epochs", "Sec. 3"),)}  # noqa: RUF012


class SwitchWithoutSource(Sound):
    profiles = {"code": (Switch("model.width", 8, "wider", ""),)}  # noqa: RUF012
