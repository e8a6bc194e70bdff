"""Files and folders to write to: refused early where that can be known."""

import importlib.util
import tempfile
from pathlib import Path


def check_file(option: str, file: Path) -> None:
    """Refuse a file that could not be written, and leave it as it is.

    Parameters
    ----------
    option : str
        The option that names it.
    file : Path
        It may be there or not; its folder must be.

    Raises
    ------
    ValueError
        If it is a folder, in no folder, or nothing can be written there.
    """
    if file.is_dir():
        raise ValueError(f"{option} {file}: expected a file, and this is a folder.")
    if not file.parent.is_dir():
        raise ValueError(f"{option} {file}: there is no folder {file.parent}.")
    try:
        if file.is_file():
            file.open("r+b").close()
        elif file.is_char_device():
            # A device tells only when it is written to; JSON may start with a blank line.
            file.write_text("\n")
        elif not file.exists():
            tempfile.TemporaryFile(dir=file.parent).close()
    except OSError as error:
        raise ValueError(f"{option} {file}: it cannot be written: {error.strerror}.") from error


def check_new_file(option: str, file: Path, *, overwrite: bool) -> None:
    """Refuse a file that is there already, or could not be written.

    Parameters
    ----------
    option : str
        The option that names it.
    file : Path
        Its folder must be there.
    overwrite : bool
        Whether a file that is there is to be replaced.

    Raises
    ------
    ValueError
        If it is there and not to be replaced, or nothing can be written there.
    """
    if file.is_file() and not overwrite:
        raise ValueError(f"{option} {file}: the file is there already: add --overwrite.")
    check_file(option, file)


def check_report_folder(option: str, folder: Path) -> None:
    """Refuse a folder that a report could not be written to, and do not make it yet.

    Parameters
    ----------
    option : str
        The option that names it.
    folder : Path
        It may be there or not, nor need the folders above it.

    Raises
    ------
    ValueError
        If it is a file, nothing can be written there, or matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ValueError(
            f"{option} {folder}: its pictures are drawn with matplotlib, which is not installed."
            " Install it with `pip install matplotlib`."
        )
    try:
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not there.is_dir():
            raise ValueError(f"{option} {folder}: expected a folder, and {there} is a file.")
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        raise ValueError(f"{option} {folder}: it cannot be written: {error.strerror}.") from error
