"""The `individose` command: its register of commands, and how the errors of the tree end the program.

`--help` and `cards` start no numerical library, no schema, no unit registry: a command's module is imported when the
command is called, and imports what is heavy inside its function.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from individose import __version__
from individose.base.errors import IndividoseError
from individose.drugs.spelling import suggestion

COMMANDS = {
    "cards": "List the model cards, or show one.",
    "estimate": "Estimate parameters, exposure and dose from measured levels.",
    "archive": "Earlier patients as the prior of new ones.",
    "evaluate": "Predict every level from what came before it, and score that.",
    "simulate": "Simulate virtual patients under a regimen.",
    "nca": "Non-compartmental analysis of measured levels.",
    "hormone": "Estradiol levels over time of injections and patches.",
    "schema": "Print the JSON Schema of a format.",
}
"""Command to its line in `individose --help`; `individose.app.cli.<command>` holds it as `command`."""

EPILOG = """\b
Exit codes:
  0  all done
  1  a computation failed numerically
  2  nothing could be done: a wrong call, or input that cannot be used
  3  some patients were refused or failed, the others are done"""


class Failure(click.ClickException):
    """An error of individose's tree as click ends it: one sentence on standard error, and its exit code."""

    def __init__(self, error: IndividoseError) -> None:
        who = f"patient {error.subject}: " if error.subject else ""
        super().__init__(f"{who}{error}")
        self.exit_code = error.exit_code  # pyright: ignore[reportAttributeAccessIssue] (click reads it from the instance)


class Commands(click.Group):
    """A group whose commands are known by name and line, and imported when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return import_module(f"individose.app.cli.{cmd_name}").command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = suggestion(name, COMMANDS) or f"There are {', '.join(COMMANDS)}."
            raise click.UsageError(f"There is no command '{name}'. {near}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except IndividoseError as error:
            raise Failure(error) from error


@click.command(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="individose", message="%(prog)s %(version)s")
def main() -> None:
    """From a patient's doses and a few measured concentrations to an individual exposure and a dose that reaches the
    target.

    Research and education; not a medical device.
    """
