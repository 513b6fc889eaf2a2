"""The ``msde`` command: the table of commands, and the options that hold everywhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from msde_toolkit.cli.boundary import check_words, guarded, home_written_out, show_tracebacks, usage_errors
from msde_toolkit.cli.commands import (
    analyze,
    audit,
    compare,
    data,
    data_import,
    data_list,
    data_power,
    data_show,
    doctor,
    evaluate,
    export,
    faces,
    listing,
    mask,
    plugin,
    predict,
    realism,
    report,
    reproduce,
    run,
    runs,
    verify,
    weights,
    withdraw,
)
from msde_toolkit.cli.console import spell_out_what_does_not_print

EVERYWHERE = ("--no-plugins", "--debug")

app = typer.Typer(
    name="msde",
    help="Train, compare and explain facial-expression recognition on faces with and without masks.",
    epilog="First steps: msde run --model scan --loss cl, then msde analyze gradcam. Every command has --help.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
)
data_app = typer.Typer(help="Look at datasets, import and check them; the image cache.", no_args_is_help=True)
weights_app = typer.Typer(help="Look into weights files, convert them, fetch published ones.", no_args_is_help=True)
plugin_app = typer.Typer(help="See what is installed, check it, start a plugin of your own.", no_args_is_help=True)

app.command("run", epilog=run.EXAMPLE)(guarded(run.run))
app.command("analyze", epilog=analyze.EXAMPLE)(guarded(analyze.analyze))
app.command("evaluate", epilog=evaluate.EXAMPLE)(guarded(evaluate.evaluate))
app.command("predict", epilog=predict.EXAMPLE)(guarded(predict.predict))
app.command("export", epilog=export.EXAMPLE)(guarded(export.export))
app.command("compare", epilog=compare.EXAMPLE)(guarded(compare.compare))
app.command("report", epilog=report.EXAMPLE)(guarded(report.report))
app.command("reproduce", epilog=reproduce.EXAMPLE)(guarded(reproduce.reproduce))
app.command("runs", epilog=runs.EXAMPLE)(guarded(runs.runs))
app.command("list", epilog=listing.EXAMPLE)(guarded(listing.list_plugins))
app.command("doctor", epilog=doctor.EXAMPLE)(guarded(doctor.doctor))
data_app.command("list", epilog=data_list.EXAMPLE)(guarded(data_list.list_datasets))
data_app.command("show", epilog=data_show.EXAMPLE)(guarded(data_show.show))
data_app.command("import", epilog=data_import.EXAMPLE)(guarded(data_import.import_))
data_app.command("audit", epilog=audit.EXAMPLE)(guarded(audit.audit))
data_app.command("realism", epilog=realism.EXAMPLE)(guarded(realism.realism))
data_app.command("power", epilog=data_power.EXAMPLE)(guarded(data_power.power))
data_app.command("verify", epilog=verify.EXAMPLE)(guarded(verify.verify))
data_app.command("withdraw", epilog=withdraw.EXAMPLE)(guarded(withdraw.withdraw))
data_app.command("faces", epilog=faces.EXAMPLE)(guarded(faces.faces))
data_app.command("mask", epilog=mask.EXAMPLE)(guarded(mask.mask))
data_app.command("purge", epilog=data.EXAMPLE_PURGE)(guarded(data.purge))
weights_app.command("inspect", epilog=weights.EXAMPLE_INSPECT)(guarded(weights.inspect))
weights_app.command("convert", epilog=weights.EXAMPLE_CONVERT)(guarded(weights.convert))
weights_app.command("get", epilog=weights.EXAMPLE_GET)(guarded(weights.get))
plugin_app.command("list", epilog=plugin.EXAMPLE)(guarded(plugin.list_all))
plugin_app.command("check", epilog=plugin.EXAMPLE_CHECK)(guarded(plugin.check))
plugin_app.command("new", epilog=plugin.EXAMPLE_NEW)(guarded(plugin.new))
app.add_typer(data_app, name="data")
app.add_typer(weights_app, name="weights")
app.add_typer(plugin_app, name="plugin")


def _version(wanted: bool) -> None:
    if wanted:
        from msde_toolkit import __version__

        typer.echo(f"msde-toolkit {__version__}")
        raise typer.Exit


@app.callback()
def everywhere(
    no_plugins: Annotated[
        bool, typer.Option("--no-plugins", help="See only the toolkit's own plugins (anywhere on the line).")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error (anywhere).")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train, compare and explain facial-expression recognition on faces with and without masks."""
    del version
    if no_plugins:
        from msde_toolkit.registry import disable_third_parties

        disable_third_parties()
    show_tracebacks(debug)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point. The options that hold everywhere may stand anywhere on the line.

    Raises:
        SystemExit: always, with the exit code.
    """
    words = [home_written_out(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    end = words.index("--") if "--" in words else len(words)
    first = [word for word in words[:end] if word in EVERYWHERE]
    spell_out_what_does_not_print()
    with usage_errors():
        check_words(words)
        ordered = [*first, *(word for word in words[:end] if word not in EVERYWHERE), *words[end:]]
        sys.exit(app(ordered, prog_name="msde", standalone_mode=False))
