"""The command itself: its subcommands, its exit status, and how it ends early."""

import argparse
import os
import sys
from collections.abc import Sequence

import skmlclf
from skmlclf.cli import _compare, _convert, _evaluate, _predict, _train, _tune
from skmlclf.cli._arguments import EXIT_STATUS

# One module per subcommand, in the order of --help: each has an `add_parser`.
_SUBCOMMANDS = (_compare, _convert, _train, _evaluate, _predict, _tune)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments without the program's name; None stands for those of the process.

    Returns
    -------
    int
        Exit status, as ``skmlclf --help`` lists them.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    command = "skmlclf"
    try:
        try:
            args = _parser().parse_args(argv)
            args.argv = argv
            command = f"skmlclf {args.command}"
            return int(args.run(args))
        finally:
            # At the end of the process a failure could no longer be reported.
            sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes standard output once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print(f"{command}: interrupted", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        print(f"{command}: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="skmlclf",
        description="Deep multi-label classification of video and audio embeddings.",
        epilog=EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"skmlclf {skmlclf.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for module in _SUBCOMMANDS:
        module.add_parser(commands)
    return parser
