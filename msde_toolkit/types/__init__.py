"""The records everything speaks in. This package imports nothing of the toolkit that stands above it."""

from msde_toolkit.errors import DataError, InputError, MsdeError, PluginError
from msde_toolkit.types.analysis_result import AnalysisResult, Gallery, Scatter, Section
from msde_toolkit.types.batch import Batch, PairBatch
from msde_toolkit.types.events import (
    AnalysisFinished,
    EpochEnded,
    FoldEnded,
    FoldStarted,
    RunFailed,
    RunFinished,
    RunStarted,
)
from msde_toolkit.types.label_maps import EIGHT, LABEL_SETS, SEVEN, THREE, label_map, relabelled
from msde_toolkit.types.labels import CLASSES, NM, M
from msde_toolkit.types.left_out import LeftOut
from msde_toolkit.types.manifest import Manifest, load_manifest
from msde_toolkit.types.manifest_table import row_faults
from msde_toolkit.types.model_output import CamTarget, InputSpec, LossTerms, ModelOutput
from msde_toolkit.types.published import PublishedTable, by_class

__all__ = [
    "CLASSES",
    "EIGHT",
    "LABEL_SETS",
    "NM",
    "SEVEN",
    "THREE",
    "AnalysisFinished",
    "AnalysisResult",
    "Batch",
    "CamTarget",
    "DataError",
    "EpochEnded",
    "FoldEnded",
    "FoldStarted",
    "Gallery",
    "InputError",
    "InputSpec",
    "LeftOut",
    "LossTerms",
    "M",
    "Manifest",
    "ModelOutput",
    "MsdeError",
    "PairBatch",
    "PluginError",
    "PublishedTable",
    "RunFailed",
    "RunFinished",
    "RunStarted",
    "Scatter",
    "Section",
    "by_class",
    "label_map",
    "load_manifest",
    "relabelled",
    "row_faults",
]
