"""The project's checks, each in an environment of its own: ``nox -l`` lists them, ``nox -s tests`` runs one.

What follows ``--`` goes to the tool: ``nox -s tests -- tests/toolkit -k registry``. Another Python: ``nox -s tests
--force-python 3.13``. ``.ci/run`` runs all checks in one environment, installed as the README says.
"""

from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["tests", "lint", "types", "imports"]
nox.options.reuse_existing_virtualenvs = True

DEV = nox.project.load_toml("pyproject.toml")["project"]["optional-dependencies"]["dev"]
PLUGINS = sorted(str(path.parent) for path in Path("plugins").glob("*/__init__.py"))
EXAMPLES = sorted(path.parent.resolve() for path in Path("examples").glob("*/pyproject.toml"))


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests."""
    session.install("-e", ".[dev]")
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format; ``nox -s lint -- --fix`` repairs what can be repaired."""
    session.install(*(requirement for requirement in DEV if requirement.startswith("ruff")))
    session.run("ruff", "check", *session.posargs, ".")
    session.run("ruff", "format", *([] if "--fix" in session.posargs else ["--check"]), ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types: core, plugins and the example distributions, all strict."""
    session.install("-e", ".[dev]")
    session.run("mypy", *session.posargs)
    session.run("mypy", *session.posargs, *PLUGINS)
    for example in EXAMPLES:
        session.chdir(example)
        session.run("mypy", *session.posargs)


@nox.session
def imports(session: nox.Session) -> None:
    """Check who may import whom: layers of the core, plugins apart from it and from each other."""
    session.install("-e", ".[dev]")
    session.run("lint-imports", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Run the code in the documentation."""
    session.install("-e", ".[dev]")
    session.run("pytest", "tests/docs", *session.posargs)


@nox.session(name="five-methods")
def five_methods(session: nox.Session) -> None:
    """Compare the paper's five methods (hours; resumable): ``-- synthetic``, or ``-- fer2013 --root FILE``."""
    session.install("-e", ".")
    session.run("python", "benchmarks/five_methods.py", *(session.posargs or ["synthetic"]))


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the training loop."""
    session.install("-e", ".[dev]")
    session.run("python", "benchmarks/train_loop.py", *session.posargs)
