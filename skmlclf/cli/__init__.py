"""The command line: arguments in, printed tables out. One subcommand per file."""

from skmlclf.cli._main import main

__all__ = ["main"]
