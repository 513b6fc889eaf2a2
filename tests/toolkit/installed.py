"""Real distributions for the tests: a module and its ``.dist-info``, as pip would leave them in site-packages."""

from textwrap import dedent


def install(folder, distribution, version, entry_points, **modules):
    """Write a distribution.

    Args:
        folder: on the import path, or about to be.
        distribution: its name on the package index.
        version: its version.
        entry_points: group to names to targets.
        modules: module name to source.
    """
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(dedent(source), encoding="utf-8")
    info = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", encoding="utf-8"
    )
    lines = []
    for group, targets in entry_points.items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in targets.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
