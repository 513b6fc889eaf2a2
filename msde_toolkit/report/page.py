"""The page itself: templates, style and script put together, with a policy that lets nothing else run or load."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

STYLES = ("page.css", "parts.css")
SCRIPTS = ("shared.js", "theme.js", "matrix.js", "gallery.js", "scatter.js")
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def render(context: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """The whole file.

    Args:
        context: what the templates show; every text in it is escaped.
        data: what the script reads, as JSON.
    """
    script = "\n".join(_resource(name) for name in SCRIPTS)
    style = "\n".join(_resource(name) for name in STYLES)
    # By hash: a script or style that anybody smuggled in, escaping or not, is not run. Data images are the only images.
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            **context,
            policy=policy,
            style=Markup(style),  # noqa: S704, from our own files
            script=Markup(script),  # noqa: S704, from our own files
            data=for_script(data),
        )
    )


def for_script(data: Any) -> Markup:
    """JSON that cannot end the script element it stands in, whatever its texts hold."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    return Markup(text.translate(_ESCAPES))  # noqa: S704, escaped for where it stands


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_resource),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda value: "-" if value is None else f"{100 * value:.1f}"
    environment.filters["points"] = lambda value: "-" if value is None else f"{100 * value:+.1f}"
    environment.filters["p_value"] = lambda p: "-" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
    return environment


def _resource(name: str) -> str:
    return files("msde_toolkit.report").joinpath("templates", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
