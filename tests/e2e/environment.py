"""Where a stranger's distribution is installed: a fresh virtual environment that sees the toolkit's own packages."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import venv
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
PACKAGES = ("msde-plugin-example", "msde-focusface", "msde-kd-template", "msde-kd-triplet")
ONE_AFTER_ANOTHER = """
import json, sys
from msde_toolkit.cli.app import main
for words in json.loads(sys.argv[1]):
    try:
        main(words)
    except SystemExit as end:
        if end.code:
            raise
"""


class Environment:
    """A fresh virtual environment that also sees the packages of the one the tests run in."""

    def __init__(self, folder):
        venv.create(folder / "venv")
        bin_folder = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        self.python = bin_folder / "python"
        self.folder = folder
        # addsitedir also follows the parent's .pth files, hence an editable install of the toolkit.
        lines = [f"import site; site.addsitedir({path!r})" for path in site.getsitepackages()]
        purelib = self("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip()
        (Path(purelib) / "parent.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def __call__(self, *words, code=0, **variables):
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("MSDE_", "PYTHON", "PIP_"))}
        ours |= {"MSDE_CACHE": str(self.folder / "cache"), "OMP_NUM_THREADS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        done = subprocess.run(
            [str(self.python), *map(str, words)],
            cwd=self.folder,
            env=ours | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def msde(self, *words, **more):
        return self("-m", "msde_toolkit", *words, **more)

    def each(self, *commands, **variables):
        """Several commands of ``msde`` one after another, in one process: torch is imported once."""
        return self("-c", ONE_AFTER_ANOTHER, json.dumps([list(map(str, words)) for words in commands]), **variables)

    def install(self, *projects):
        """Build a wheel of each project folder and install them, without network."""
        wheels = self.folder / "dist"
        for project in projects:
            build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(wheels)]
            subprocess.run(build, cwd=project, check=True, capture_output=True)
        built = sorted(wheels.glob("*.whl"))
        assert len(built) == len(projects)
        # Without dependencies: the toolkit and torch are the parent's, and so is pip.
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--no-index", "--no-deps"]
        subprocess.run([*pip, *map(str, built)], check=True, capture_output=True)
