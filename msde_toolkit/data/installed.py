"""The datasets that are installed, and what each says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

from msde_toolkit.interfaces import Dataset
from msde_toolkit.registry import PluginInfo, Registry, load, why_broken
from msde_toolkit.types import LABEL_SETS


@dataclass(frozen=True)
class InstalledDataset:
    """A dataset plugin.

    Attributes:
        info: who offers it under which name.
        broken: why it cannot be used, in one line; empty where it works. What follows says nothing of a broken one.
        summary: one line.
        root: what ``--root`` must point to; empty for data that is drawn.
        labels: its set of classes: "seven", "eight", "three", or the names of another one's classes.
        label_choices: what its option ``classes`` may be, the default first; empty without such an option.
        licence: of the images.
        synthetic: they show no real person.
    """

    info: PluginInfo
    broken: str = ""
    summary: str = ""
    root: str = ""
    labels: str = ""
    label_choices: tuple[str, ...] = ()
    licence: str = ""
    synthetic: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **self.info.as_dict(),
            "works": not self.broken,
            "reason": self.broken,
            "summary": self.summary,
            "root": self.root,
            "labels": self.labels,
            "label_choices": list(self.label_choices),
            "licence": self.licence,
            "synthetic": self.synthetic,
        }


def installed_datasets() -> list[InstalledDataset]:
    """All of them, by name. A plugin that cannot be imported is listed with the reason; a name claimed twice, twice."""
    return [_described(info) for info in Registry("datasets").plugins()]


def _described(info: PluginInfo) -> InstalledDataset:
    broken = why_broken(info)
    if broken:
        return InstalledDataset(info, broken)
    plugin: type[Dataset] = load(info)
    return InstalledDataset(
        info,
        summary=plugin.summary,
        root=plugin.root_hint,
        labels=_label_set(plugin),
        label_choices=_label_choices(plugin),
        licence=plugin.licence,
        synthetic=plugin.synthetic,
    )


def _label_set(plugin: type[Dataset]) -> str:
    classes = tuple(plugin.classes)
    return next((name for name, known in LABEL_SETS.items() if known == classes), ", ".join(classes))


def _label_choices(plugin: type[Dataset]) -> tuple[str, ...]:
    field = plugin.Options.model_fields.get("classes")
    choices = get_args(field.annotation) if field is not None else ()
    return tuple(word for word in choices if isinstance(word, str))
