"""What the parsers of the subcommands share."""

import argparse
from collections.abc import Callable
from typing import Any

EXIT_STATUS = """\
exit status:
  0    done
  1    a part failed, such as one architecture or the writing of one file; the rest was done
  2    the arguments or the input cannot be used, or nothing could be trained
  130  interrupted (Ctrl-C); what was done until then is printed and written
  141  the reader of the output closed it, as `head` does
"""


def add_command(
    commands: Any, name: str, *, summary: str, description: str
) -> argparse.ArgumentParser:
    """Add a subcommand, whose help ends with the exit statuses.

    Parameters
    ----------
    commands : object
        What ``ArgumentParser.add_subparsers`` has returned.
    name : str
        Name of the subcommand.
    summary : str
        What it does, for the list of all of them.
    description : str
        The same at length, in lines of their own.

    Returns
    -------
    ArgumentParser
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def whole_number(low: int, high: int | None = None) -> Callable[[str], int]:
    """Return an argparse type: a whole number from `low` to `high`, both included.

    Examples
    --------
    >>> from skmlclf.cli._arguments import whole_number
    >>> whole_number(1)("12")
    12
    """

    def parse(text: str) -> int:
        wanted = f"at least {low}" if high is None else f"between {low} and {high}"
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low or (high is not None and value > high):
            raise argparse.ArgumentTypeError(f"must be a whole number, {wanted}, got {text}")
        return value

    return parse
