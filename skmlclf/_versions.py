"""Which versions of what this package runs on."""

import platform
from importlib import metadata

_PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "keras",
    "tensorflow",
    "scikeras",
    "safetensors",
    "protobuf",
    "google-crc32c",
    "skops",
    "pandas",
    "pyarrow",
    "matplotlib",
    "faiss-cpu",
    "dask",
    "distributed",
)


def library_versions() -> dict[str, str]:
    """Return the versions of this package, of Python and of the libraries that are installed.

    Nothing is imported for it.

    Returns
    -------
    dict of str to str
    """
    found = {"skmlclf": _version("skmlclf"), "python": platform.python_version()}
    found.update((name, _version(name)) for name in _PACKAGES)
    return {name: version for name, version in found.items() if version is not None}


def show_versions() -> None:
    """Print the versions of this package, of Python and of the libraries, for a bug report.

    Libraries that are not installed are left out. None of them is imported, in particular not
    TensorFlow.

    .. versionadded:: 0.1

    Examples
    --------
    >>> import skmlclf
    >>> skmlclf.show_versions()
    skmlclf: ...
    python: ...
    platform: ...
    numpy: ...
    """
    versions = library_versions()
    lines = {
        "skmlclf": versions.pop("skmlclf"),
        "python": versions.pop("python"),
        "platform": platform.platform(),
        **versions,
    }
    width = max(map(len, lines)) + 1
    print("\n".join(f"{name + ':':{width}} {version}" for name, version in lines.items()))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
