"""One recipe for the faces that a run was trained on and those that it is tested on."""

from __future__ import annotations

from msde_toolkit.data.faces import Recipe
from msde_toolkit.data.faces.prepared import recipes_in
from msde_toolkit.errors import InputError
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.types import Manifest


def recipe_of(run: OpenRun) -> Recipe:
    """The recipe that all faces of a run were cut by.

    Raises:
        InputError: if the run's manifest tells none, or several, or one that is not of this toolkit.
    """
    texts = recipes_in(run.manifest)
    if len(texts) == 1 and run.manifest.frame["prep"].notna().all():
        return Recipe.parse(texts[0])
    told = "nothing of how its faces were cut" if not texts else f"no single recipe ({'; '.join(texts)})"
    message = f"--faces: the manifest of run {run.name} says {told}, so there is nothing to apply. Leave --faces out."
    raise InputError(message)


def check_recipe(run: OpenRun, manifest: Manifest) -> list[str]:
    """Whether these faces were cut like the run's; a note where the run does not say how its own were.

    Raises:
        InputError: if the run says it, and they are others, or say nothing.
    """
    ours, theirs = recipes_in(run.manifest), recipes_in(manifest)
    if not ours:
        return [f"run {run.name} does not say how its faces were cut; those of {manifest.name} are"] if theirs else []
    unknown = manifest.frame["prep"].isna().any() and run.manifest.frame["prep"].notna().all()
    if set(theirs) <= set(ours) and not unknown:
        return []
    told = f"those of {manifest.name} by {' and '.join(theirs)}" if theirs else f"{manifest.name} does not say how"
    message = (
        f"The faces of run {run.name} were cut by {' and '.join(ours)}; {told}.\n"
        "Cut them alike: --faces dlib where the images are photos, --faces aligned where they are face crops already."
    )
    raise InputError(message)
