"""What a study is: its data, its methods, other data to test them on, and the comparison it was made for."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import tomli_w
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from msde_toolkit.engine.config import RunConfig
from msde_toolkit.errors import InputError
from msde_toolkit.options import nearest
from msde_toolkit.results.study_files import Name

Condition = Literal["nm", "m"]


def _at_home(path: Any) -> Any:
    return str(Path(path).expanduser()) if isinstance(path, str) and path.startswith("~") else path


Place = Annotated[Path, BeforeValidator(_at_home)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSpec(_Part):
    """The data that every method is trained and tested on.

    Attributes:
        name: of the dataset.
        root: where it is; like any path in a study, seen from the working folder.
        mask: drawn on every face.
        set_data: options of the dataset.
        set_mask: options of the mask.
        sha256: the manifest's content hash; other data is refused.
    """

    name: str
    root: Place | None = None
    mask: str | None = None
    set_data: Mapping[str, Any] = {}
    set_mask: Mapping[str, Any] = {}
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")


class MethodSpec(_Part):
    """A way to train: a run of the study. The keys are those of ``msde run``."""

    name: Name
    model: str
    loss: str
    train_on: Literal["nm", "m", "mix", "pairs"] | None = None
    weights: str = "none"
    teacher: str = "auto"
    profile: Literal["paper", "code"] = "paper"
    set_model: Mapping[str, Any] = {}
    set_loss: Mapping[str, Any] = {}
    set_train: Mapping[str, Any] = {}


class TargetSpec(_Part):
    """Other data that every method's models are tested on. The keys are those of ``msde evaluate``.

    Attributes:
        mask_bare: the mask is drawn on the unmasked faces of a set that has masked ones too; those are left aside.
    """

    name: Name
    data: str
    root: Place | None = None
    mask: str | None = None
    split: str | None = None
    faces: str | None = None
    set_data: Mapping[str, Any] = {}
    set_mask: Mapping[str, Any] = {}
    set_faces: Mapping[str, Any] = {}
    mask_bare: bool = False


class PrimarySpec(_Part):
    """The comparisons that were decided on before: each method against the baseline, in each condition.

    Attributes:
        baseline: name of a method.
        methods: that are compared with it; by default all others.
        conditions: in which they are compared.
        margin: of non-inferiority, a fraction: how much accuracy may be lost and still be called kept.
    """

    baseline: Name
    methods: tuple[Name, ...] | None = Field(None, min_length=1)
    conditions: tuple[Condition, ...] = Field(("nm", "m"), min_length=1)
    margin: float | None = Field(None, gt=0, lt=1)


class Study(_Part):
    """Several methods on the same data, folds and repeats.

    Attributes:
        name: of the study; names its folder.
        data: what all methods are trained and tested on.
        preset: as for a run.
        seed: of folds, weights, order and augmentation.
        repeats: how often every fold is trained.
        folds: number of folds or a ``folds.json``; by default the preset's, or the dataset's own split.
        select: which epoch is kept, as for a run.
        device: as for a run.
        precision: as for a run.
        set_train: training options of every method; a method's own win.
        method: the methods, in the order in which they are trained.
        target: other data that every method is tested on.
        primary: the declared family of comparisons; None where everything is exploratory.
    """

    name: Name
    data: DataSpec
    preset: Literal["quick", "paper"] = "quick"
    seed: int = Field(0, ge=0, lt=2**63)
    repeats: int = Field(1, ge=1, le=100)
    folds: int | Place | None = None
    select: Literal["last", "inner", "test"] | None = None
    device: str = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    set_train: Mapping[str, Any] = {}
    method: tuple[MethodSpec, ...] = Field(min_length=1)
    target: tuple[TargetSpec, ...] = ()
    primary: PrimarySpec | None = None

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        for kind, specs in (("method", self.method), ("target", self.target)):
            names = [spec.name.casefold() for spec in specs]
            if twice := sorted({name for name in names if names.count(name) > 1}):
                message = f"two {kind}s are called {twice[0]!r}"
                raise ValueError(message)
        if self.primary is not None:
            for name in (self.primary.baseline, *(self.primary.methods or ())):
                if name not in self.methods:
                    message = f"primary: no method is called {name!r} (there are {', '.join(self.methods)})"
                    raise ValueError(message)
            if self.primary.baseline in (self.primary.methods or ()) or not self.family:
                message = "primary: needs methods other than the baseline"
                raise ValueError(message)
        return self

    @classmethod
    def create(cls, **values: Any) -> Study:
        """Validate.

        Raises:
            InputError: naming the key and what it must be.
        """
        return _checked(values, "study")

    @property
    def methods(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(spec.name for spec in self.method)

    @property
    def targets(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(spec.name for spec in self.target)

    @property
    def family(self) -> tuple[str, ...]:
        """The methods that are compared with the baseline; empty without a primary family."""
        if self.primary is None:
            return ()
        others = tuple(name for name in self.methods if name != self.primary.baseline)
        return others if self.primary.methods is None else self.primary.methods

    def config(self, method: str, folds: int | Path | None) -> RunConfig:
        """The configuration of a method's run."""
        spec = next(spec for spec in self.method if spec.name == method)
        return RunConfig.create(
            **spec.model_dump(exclude={"name", "set_train"}),
            data=self.data.name,
            root=self.data.root,
            mask=self.data.mask,
            set_data=self.data.set_data,
            set_mask=self.data.set_mask,
            preset=self.preset,
            folds=folds,
            repeats=self.repeats,
            select=self.select,
            seed=self.seed,
            device=self.device,
            precision=self.precision,
            set_train={**self.set_train, **spec.set_train},
        )

    def to_toml(self) -> str:
        """For ``study.toml``; read back by ``load_study``."""
        return tomli_w.dumps(_without_empty(self.model_dump(mode="json", exclude_none=True)))


def load_study(path: Path) -> Study:
    """A study from its file.

    Raises:
        InputError: missing or damaged; or a key that is unknown, missing or does not fit. Names file and key.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror})."
        raise InputError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path}: damaged TOML: {error}"
        raise InputError(message) from error
    return _checked(document, str(path))


def _checked(values: Mapping[str, Any], source: str) -> Study:
    try:
        return Study.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"{source}: {_told(first['loc'], first['type'], first['msg'], values)}") from error


def _told(place: Sequence[str | int], kind: str, text: str, values: Any) -> str:
    """Where in the file, and what is wrong there."""
    where = _where(place, values)
    if kind == "extra_forbidden":
        return f"{where}: unknown key. {nearest(str(place[-1]), list(_fields(place[:-1])))}"
    if kind == "missing":
        return f"{where}: is required and was not given."
    if kind == "string_pattern_mismatch" and place[-1] != "sha256":
        return f"{where}: a name of letters and digits, with single - or _ between them, is expected."
    text = text.removeprefix("Value error, ").replace("Input should be", "expected", 1).rstrip(".")
    return f"{where}: {text}." if where else f"{text}."


def _where(place: Sequence[str | int], values: Any) -> str:
    """``method 2 (cl): train_on`` for ``("method", 1, "train_on")``."""
    words: list[str] = []
    for step in place:
        if not isinstance(values, (Mapping, list, tuple)):
            break  # what follows are pydantic's names for alternatives
        values = _inside(values, step)
        if isinstance(step, int):
            name = values.get("name") if isinstance(values, Mapping) else None
            words[-1] += f" {step + 1}" + (f" ({name})" if isinstance(name, str) else "")
        else:
            words.append(step)
    return ": ".join(words)


def _inside(values: Any, step: str | int) -> Any:
    try:
        return values[step]
    except (KeyError, IndexError, TypeError):
        return None


def _fields(place: Sequence[str | int]) -> Iterator[str]:
    """The keys that a table of the file may have."""
    part: type[BaseModel] = Study
    for step in place:
        if isinstance(step, str):
            part = next(kind for kind in _parts_of(part.model_fields[step].annotation))
    yield from part.model_fields


def _parts_of(annotation: Any) -> Iterator[type[_Part]]:
    if isinstance(annotation, type) and issubclass(annotation, _Part):
        yield annotation
    for inner in get_args(annotation):
        yield from _parts_of(inner)


def _without_empty(value: Any) -> Any:
    """Tables that say nothing are left out of the file, also where they are in a list."""
    if isinstance(value, Mapping):
        return {key: _without_empty(item) for key, item in value.items() if item not in ({}, [])}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value
