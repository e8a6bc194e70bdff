"""Turn what a user names as paths into a list of files."""

import glob
import os
from collections.abc import Iterable

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def expand_paths(paths: Paths) -> list[str]:
    """Return the files that paths and glob patterns name, sorted, each file once.

    Two paths are of one file if they lead to the same place once links are followed; the first of
    them is kept.
    """
    if not isinstance(paths, str | os.PathLike | Iterable):
        raise TypeError(
            f"Expected paths to be a path, a glob pattern, or a list of these. Received {paths!r}."
        )
    patterns = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not patterns:
        raise FileNotFoundError("Expected paths to name at least one file. Received none.")
    matched: set[str] = set()
    for pattern in patterns:
        if not isinstance(pattern, str | os.PathLike):
            raise TypeError(
                "Expected paths to be a path, a glob pattern, or a list of these. Received "
                f"an element of type {type(pattern).__name__}: {pattern!r}."
            )
        matched.update(_match(os.fspath(pattern)))
    files: dict[str, str] = {}
    for file in sorted(matched):
        files.setdefault(os.path.realpath(file), file)
    return list(files.values())


def _match(pattern: str) -> list[str]:
    """Return the files that one path or pattern stands for, of which there is at least one."""
    # A path that exists is meant literally, even with brackets in its name.
    found = [pattern] if os.path.exists(pattern) else glob.glob(pattern, recursive=True)
    files = [path for path in found if not os.path.isdir(path)]
    for path in files:
        if not os.path.exists(path):
            raise FileNotFoundError(
                f"Expected {pattern!r} to name files. {path!r} is a link to "
                f"{os.readlink(path)!r}, which does not exist. Restore that file, or remove the "
                "link."
            )
        if not os.path.isfile(path):
            raise ValueError(
                f"Expected {pattern!r} to name files. {path!r} is neither a file nor a folder. "
                "Name the files themselves, or write its content to a file first."
            )
    if not files:
        advice = (
            f"It is a folder: pass a pattern such as {os.path.join(pattern, '*.tfrecord')!r}."
            if os.path.isdir(pattern)
            else f"Check its spelling; the current folder is {os.getcwd()!r}."
        )
        raise FileNotFoundError(
            f"Expected a file or a glob pattern that matches one. Received {pattern!r}, which "
            f"matches no file. {advice}"
        )
    return files
