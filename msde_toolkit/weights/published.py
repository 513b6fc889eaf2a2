"""Weights that others publish: where they are, under which terms, and how they come here whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msde_toolkit.errors import InputError
from msde_toolkit.files import cache_directory, sha256_of, whole

if TYPE_CHECKING:
    from msde_toolkit.interfaces import Model

Progress = Callable[[int, int], None]
"""Called with the bytes that are there and all of them (0: unknown)."""

CHUNK = 1 << 20
TIMEOUT = 30
"""Seconds without a byte."""

_TERMS = "torchvision: BSD-3-Clause; the images they were trained on (ImageNet) may add terms"


@dataclass(frozen=True)
class Published:
    """Weights by name.

    Attributes:
        url: of the file; empty where its authors only link a page.
        licence: what is known of the terms.
        about: what it is, or how to come by it.
    """

    name: str
    url: str
    licence: str
    about: str


PUBLISHED = {
    entry.name: entry
    for entry in (
        Published(
            "resnet18", "https://download.pytorch.org/models/resnet18-f37072fd.pth", _TERMS, "ResNet-18, ImageNet"
        ),
        Published(
            "resnet34", "https://download.pytorch.org/models/resnet34-b627a593.pth", _TERMS, "ResNet-34, ImageNet"
        ),
        Published(
            "resnet50", "https://download.pytorch.org/models/resnet50-0676ba61.pth", _TERMS, "ResNet-50, ImageNet"
        ),
        Published(
            "resnet18-msceleb",
            "",
            "unknown",
            "ResNet-18, MS-Celeb-1M: only linked, by the pages of those who use it: RAN and SCN "
            "(ijba_res18_naive.pth.tar), DAN (resnet18_msceleb.pth); --weights takes either file as it is, and msde "
            "weights convert makes it a .safetensors file",
        ),
        Published(
            "resnet50-vggface2",
            "",
            "unknown",
            "ResNet-50, VGGFace2: only linked, by SCAN's page (vgg_msceleb_resnet50_ft_weight.pkl); --weights takes it "
            "as it is, and msde weights convert makes it a .safetensors file",
        ),
    )
}


def imagenet_file(model: Model, progress: Progress | None = None) -> Path:
    """The file of ImageNet weights for this model's backbone: the one that is here, else downloaded.

    Raises:
        InputError: if none is published for it, or it cannot be had, with the remedies.
    """
    url = model.pretrained_url()
    if not url:
        message = (
            f"{type(model).__name__} with these options knows no ImageNet weights: give a file (--weights FILE), or "
            "start from random weights (--weights none)."
        )
        raise InputError(message)
    return published_file(url, progress)


def published_file(url: str, progress: Progress | None = None) -> Path:
    """A published file: from ``MSDE_CACHE/weights``, from torch's own folder of downloads, or downloaded.

    Raises:
        InputError: no network, or not the file that its name promises.
    """
    place = cache_directory("weights") / local_name(url)
    beginning = _promised(url)
    for file in (place, *([_torch_folder() / place.name] if beginning else [])):
        if file.is_file() and sha256_of(file).startswith(beginning):
            return file
    try:
        _download(url, place, beginning, progress or (lambda _done, _all: None))
    except (OSError, HTTPException, ValueError) as error:
        reason = str(error).removeprefix("<urlopen error ").rstrip(">") or type(error).__name__
        message = (
            f"The weights {url} cannot be downloaded ({reason}).\n"
            f"Bring the file here as {place}, or give it by --weights FILE, or use --weights none."
        )
        raise InputError(message) from error
    return place


def local_name(url: str) -> str:
    """What the file is called here: as published if its name tells it from others by a hash, else with one."""
    name = Path(urlsplit(url).path).name
    if _promised(url):
        return name
    stem, dot, suffix = name.rpartition(".")
    return f"{stem or name}.{hashlib.sha256(url.encode()).hexdigest()[:8]}{dot}{suffix if stem else ''}"


def _torch_folder() -> Path:
    """What ``torch.hub.get_dir()`` says, without importing torch."""
    home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "torch"
    return Path(home) / "hub" / "checkpoints"


def _promised(url: str) -> str:
    """The first digits of the file's sha256, if its name ends in them; empty if it does not."""
    found = re.search(r"-([0-9a-f]{8,64})\.\w+$", urlsplit(url).path)
    return found[1] if found else ""


def _download(url: str, place: Path, beginning: str, progress: Progress) -> None:
    from urllib.request import urlopen

    if urlsplit(url).scheme not in ("https", "http", "file"):
        message = "not a web address"
        raise ValueError(message)
    sha, done = hashlib.sha256(), 0
    with whole(place) as partial:
        with partial.open("wb") as file, urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310 - scheme checked
            size = int(answer.headers.get("Content-Length") or 0)
            while block := answer.read(CHUNK):
                file.write(block)
                sha.update(block)
                done += len(block)
                progress(done, size)
        if done < size:
            message = f"only {done} of {size} bytes came"
            raise ValueError(message)
        if not sha.hexdigest().startswith(beginning):
            message = f"its sha256 begins with {sha.hexdigest()[:8]}, not {beginning[:8]}: not the file it is named as"
            raise ValueError(message)
