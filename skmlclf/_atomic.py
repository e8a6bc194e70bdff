"""Files and folders that are written whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

_SUFFIX = ".tmp"


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], *, overwrite: bool, suffix: str = "") -> Iterator[Path]:
    """Give a temporary path beside another, which takes the other's place when all went well.

    Parameters
    ----------
    path : str or path
        The file or folder that is to be written.
    overwrite : bool
        Whether one that is there may be replaced.
    suffix : str, default=""
        How the temporary path ends.

    Yields
    ------
    Path
        Where to write. Nothing is left of it after an error.

    Raises
    ------
    FileExistsError
        If there is one and `overwrite` is false, before anything is written.
    OSError
        If it cannot be written.
    """
    # What a link leads to is replaced, not the link.
    target = Path(path).resolve()
    _check_free(target, overwrite)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(target.parent)!r} to write to.")
    with TemporaryDirectory(_SUFFIX, f".{target.name}.", target.parent) as folder:
        temporary = Path(folder) / f"new{suffix}"
        yield temporary
        # A name must not outlive a power cut that its content does not.
        for each in [temporary, *temporary.rglob("*")]:
            _sync(each)
        _check_free(target, overwrite)
        _move(temporary, target, overwrite)
        _sync(target.parent)


def leftovers(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield what processes that were killed inside of `replacing` have left in a folder.

    Parameters
    ----------
    folder : Path
        What another process is writing there at the moment is yielded too.

    Yields
    ------
    name : str
        Of the file or folder that was to be written.
    path : Path
        The hidden folder that is left.
    """
    for path in folder.glob(f".*{_SUFFIX}"):
        yield path.name[1:].removesuffix(_SUFFIX).rpartition(".")[0], path


def _check_free(target: Path, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        raise _exists(target)


def _exists(target: Path) -> FileExistsError:
    return FileExistsError(
        f"{str(target)!r} is there already: pass overwrite=True to replace it, or another path."
    )


def _move(temporary: Path, target: Path, overwrite: bool) -> None:
    """Let a file or folder take the place of another."""
    if temporary.is_file() and target.is_dir():
        raise IsADirectoryError(f"{str(target)!r} is a folder, expected a file.")
    if target.is_dir():
        # A folder that holds something cannot be replaced in one step.
        os.replace(target, temporary.with_name("old"))
    elif temporary.is_file() and not overwrite:
        # Unlike a rename, a link never takes the place of a file that came in between.
        try:
            os.link(temporary, target)
            return
        except FileExistsError:
            raise _exists(target) from None
        except OSError:  # a file system without links
            _check_free(target, overwrite)
    os.replace(temporary, target)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
