"""What a plugin implements. Each file opens with a complete example, which the tests run."""

from msde_toolkit.interfaces.analysis import Analysis, AnalysisContext, RunView
from msde_toolkit.interfaces.dataset import Dataset, DatasetOptions, Image, decode, to_rgb
from msde_toolkit.interfaces.landmarker import Box, Face, Hint, Landmarker
from msde_toolkit.interfaces.listener import Hooks, hookimpl
from msde_toolkit.interfaces.loss import Forward, Loss, LossContext
from msde_toolkit.interfaces.masker import Landmarks, Masker
from msde_toolkit.interfaces.model import Criterion, Model
from msde_toolkit.interfaces.plugin import Plugin, PluginOptions, Switch

__all__ = [
    "Analysis",
    "AnalysisContext",
    "Box",
    "Criterion",
    "Dataset",
    "DatasetOptions",
    "Face",
    "Forward",
    "Hint",
    "Hooks",
    "Image",
    "Landmarker",
    "Landmarks",
    "Loss",
    "LossContext",
    "Masker",
    "Model",
    "Plugin",
    "PluginOptions",
    "RunView",
    "Switch",
    "decode",
    "hookimpl",
    "to_rgb",
]
