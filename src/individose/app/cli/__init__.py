"""The command line: thin, one file for each command, loaded only when it is called."""

from individose.app.cli.group import main

__all__ = ["main"]
