"""What the workers of a fit have to agree on: arguments before it, weights and values in it."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import keras

from skmlclf._versions import library_versions
from skmlclf.classifiers._description import Description, difference
from skmlclf.classifiers._history import weights_digest
from skmlclf.training import Workers, WorkersError

T = TypeVar("T")

_NUMERICAL = ("skmlclf", "numpy", "scipy", "scikit-learn", "keras", "tensorflow")


def prepared_together(
    workers: Workers | None, prepare: Callable[[], T], tell: Callable[[T], Any]
) -> tuple[T, list[Any]]:
    """Prepare a part of a fit; where a worker cannot, all of them raise an error.

    Parameters
    ----------
    workers : Workers or None
        None where this process trains alone.
    prepare : callable
        Returns what was prepared, or raises an error.
    tell : callable
        Returns what is told of it to the others.

    Returns
    -------
    prepared : object
        What this worker has prepared.
    told : list
        What each worker has told; empty where there are none.
    """
    if workers is None:
        return prepare(), []
    kept: list[T] = []

    def run() -> Any:
        kept.append(prepare())
        return tell(kept[0])

    told = workers.together(run, "prepare the fit")
    return kept[0], told


def refuse_differences(workers: Workers, descriptions: Sequence[Description]) -> None:
    """Raise an error on every worker where one of them differs from the first.

    Parameters
    ----------
    workers : Workers
        That train together.
    descriptions : sequence of Description
        One of each worker.

    Raises
    ------
    ValueError
        It says which worker differs in what.
    """
    found = []
    for i, description in enumerate(descriptions):
        text = difference(descriptions[0], description, "{name} is {now} and not {before}")
        if text is not None:
            found.append(f"on {workers.name(i)}, {text}")
    if found:
        workers.refuse(
            ValueError(
                "Workers train together with the same arguments, data and versions. Compared with"
                f" {workers.name(0)}, {'; '.join(found)}."
            )
        )


def describe_versions() -> Description:
    """Describe what the numbers of a fit may depend on."""
    versions = library_versions()
    return {f"the version of {name}": [versions[name], ""] for name in _NUMERICAL}


def measured_by_chief(
    workers: Workers, model: keras.Model, measure: Callable[[], dict[str, float]]
) -> dict[str, float]:
    """Return what the chief measures, on every worker.

    Parameters
    ----------
    workers : Workers
        That train together.
    model : keras.Model
        Whose weights must be equal on all of them.
    measure : callable
        Measures the held-out rows.

    Returns
    -------
    dict of str to float

    Raises
    ------
    WorkersError
        If the weights of a worker are others than those of the chief.
    """
    told = workers.together(
        lambda: [weights_digest(model), measure() if workers.is_chief else None],
        "measure the held-out rows",
    )
    others = [workers.name(i) for i, (digest, _) in enumerate(told) if digest != told[0][0]]
    if others:
        workers.refuse(
            WorkersError(
                f"The weights of {' and '.join(others)} are no longer those of {workers.name(0)}:"
                " a callback that changes the model has to do the same on every worker."
            )
        )
    values: dict[str, float] = told[0][1]
    return values
