'''The dataset interface. A complete plugin:

from pathlib import Path
import pandas as pd
from msde_toolkit.interfaces import Dataset, DatasetOptions
from msde_toolkit.types import Manifest

class ClassFolders(Dataset):
    """Images in one folder a class."""

    summary = "Images in one folder a class: ROOT/happy/*.png"

    class Options(DatasetOptions):
        pattern: str = "*.png"

    def load(self, root: Path | None, options: Options) -> Manifest:
        root = self.require_root(root)
        rows = [
            {"id": f"{name}-{file.stem}", "path": f"{name}/{file.name}", "label": label}
            for label, name in enumerate(self.classes)
            for file in sorted((root / name).glob(options.pattern))
        ]
        return Manifest.from_frame(pd.DataFrame(rows), "class-folders", root=root)
'''

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from msde_toolkit.interfaces.plugin import Plugin, PluginOptions
from msde_toolkit.types import CLASSES, DataError, InputError, Manifest, PublishedTable

if TYPE_CHECKING:
    import pandas as pd

Image = npt.NDArray[np.uint8]
"""uint8 ``[H, W, 3]``, RGB, upright."""


_LINE = re.compile(r"#\d+$")
"""The end of ``file.csv.gz#12``: a line of a file. Any other ``#`` belongs to the file's name."""


class DatasetOptions(PluginOptions):
    """Options of a dataset that reads files."""

    on_bad: Literal["error", "skip"] = Field("error", description="What a row that cannot be used does to the run.")


class Dataset(Plugin):
    """Where samples come from. ``load`` says what there is; ``read`` gives pixels and keeps nothing in between.

    Attributes:
        synthetic: the images show no real person; presets may then drop rows, and every output says "synthetic".
        version: of the reader or generator; a new one makes cached images be decoded again.
        classes: class names in label order.
        root_hint: what ``--root`` must point to; empty for data that needs no files.
        aligned: every image is an upright, centred face crop, so that canonical landmarks fit it.
    """

    synthetic: ClassVar[bool] = False
    version: ClassVar[str] = "1"
    classes: ClassVar[tuple[str, ...]] = CLASSES
    root_hint: ClassVar[str] = "the dataset's folder"
    aligned: ClassVar[bool] = True

    def load(self, root: Path | None, options: Any) -> Manifest:
        """All samples as a checked table. Reads lists and labels, decodes no image.

        Raises:
            InputError: if the root is missing or of another form.
            DataError: naming file and row.
        """
        message = f"{type(self).__name__} does not define load."
        raise NotImplementedError(message)

    def read(self, rows: Manifest) -> list[Image]:
        """Pixels of these samples, in order: uint8 ``[H, W, 3]`` RGB. By default, decodes ``root/path``, EXIF upright.

        Raises:
            DataError: naming the file that cannot be decoded.
        """
        return [decode(self.require_root(rows.root), path) for path in rows.frame["path"]]

    def mask_regions(self, rows: Manifest) -> list[npt.NDArray[np.uint8] | None]:
        """uint8 ``[H, W]`` alpha of the face mask in the geometry of ``read``; None where it is not known.

        By default, reads ``root/mask_path`` where the manifest has one.
        """
        return [
            None if path is None else decode(self.require_root(rows.root), path)[..., 0]
            for path in rows.frame["mask_path"]
        ]

    def published(self, options: Any) -> Sequence[PublishedTable]:
        """Tables of publications about the set, of the part that these options select. By default, none."""
        del options
        return ()

    def ballots(self, rows: Manifest) -> pd.DataFrame | None:
        """What single raters said of these samples, where the set has that: columns ``id``, ``rater``, ``label``.

        A label is a class index, or -1 where the rater found an image wrong and named no class. By default None;
        votes that are only counted stand in the manifest's column ``votes``.
        """
        del rows
        return None

    def fingerprint(self, rows: Manifest) -> str:
        """Changes when the pixels may have changed: by default, size and time of every file that ``path`` names."""
        sha = hashlib.sha256(self.version.encode())
        if rows.root is not None:
            base = rows.root.parent if rows.root.is_file() else rows.root
            for name in sorted({_LINE.sub("", path) for path in rows.frame["path"]}):
                file = base / name
                stat = file.stat() if file.exists() else None
                sha.update(f"{name}:{stat and (stat.st_size, stat.st_mtime_ns)}".encode())
        return sha.hexdigest()

    @classmethod
    def require_root(cls, root: Path | None) -> Path:
        """The root, checked.

        Raises:
            InputError: if none was given or nothing is there.
        """
        if root is None:
            message = f"This dataset needs --root PATH: {cls.root_hint}."
            raise InputError(message)
        if not root.exists():
            message = f"--root {root}: nothing there. It must be {cls.root_hint}."
            raise InputError(message)
        return root


def decode(root: Path, path: str) -> Image:
    """One image file inside ``root`` as uint8 RGB, upright by its EXIF orientation.

    Raises:
        DataError: if it is missing, leads outside the root by a link, or cannot be decoded.
    """
    from PIL import Image as Pillow
    from PIL import ImageOps

    file = root / path
    if not file.resolve().is_relative_to(root.resolve()):
        message = f"{path}: leads outside the dataset's root by a link."
        raise DataError(message)
    try:
        with Pillow.open(file) as image:
            upright = ImageOps.exif_transpose(image)
            return np.asarray(to_rgb(upright))
    except FileNotFoundError as error:
        message = f"{file}: no such image."
        raise DataError(message) from error
    except Exception as error:
        message = f"{file}: cannot be decoded as an image ({type(error).__name__}). Replace it, or leave it out."
        raise DataError(message) from error


def to_rgb(image: Any) -> Any:
    """A Pillow image as 8-bit RGB: 16-bit greys are scaled, transparency falls on white."""
    from PIL import Image as Pillow

    if image.mode.startswith("I;16") or image.mode in {"I", "F"}:
        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if values.max(initial=0) > 255 else 255.0
        image = Pillow.fromarray((values.clip(0, top) * (255.0 / top)).round().astype(np.uint8))
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Pillow.alpha_composite(Pillow.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")
