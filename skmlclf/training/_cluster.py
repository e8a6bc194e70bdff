"""Which processes train together, as ``TF_CONFIG`` says."""

import json
import os
from dataclasses import dataclass
from typing import Any

_EXAMPLE = (
    '{"cluster": {"worker": ["host0:12345", "host1:12345"]},'
    ' "task": {"type": "worker", "index": 0}}'
)


@dataclass(frozen=True)
class Cluster:
    """The workers of a fit.

    Attributes
    ----------
    addresses : tuple of str
        ``host:port`` of every worker; the first is the chief.
    index : int
        Which of them this process is.
    """

    addresses: tuple[str, ...]
    index: int


def read_cluster() -> Cluster:
    """Read the environment variable ``TF_CONFIG``.

    Returns
    -------
    Cluster
        A job called "chief" comes before the job "worker".

    Raises
    ------
    ValueError
        If it is not set, or not what TensorFlow expects there.

    Examples
    --------
    >>> import os
    >>> from skmlclf.training._cluster import read_cluster
    >>> os.environ["TF_CONFIG"] = (
    ...     '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}'
    ... )
    >>> read_cluster()
    Cluster(addresses=('a:1', 'b:1'), index=1)
    >>> del os.environ["TF_CONFIG"]
    """
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        raise _error("it is not set")
    try:
        config = json.loads(text)
    except ValueError as error:
        raise _error(f"it is no JSON ({error}): {text:.200}") from error
    if not isinstance(config, dict) or not isinstance(config.get("cluster"), dict):
        raise _error(f"it has no cluster: {text:.200}")
    jobs = {name: _addresses(name, jobs) for name, jobs in config["cluster"].items()}
    others = sorted(set(jobs) - {"chief", "worker"})
    if others:
        raise _error(
            f"its cluster has the jobs {others}, and all that train are called worker, or one of"
            " them chief"
        )
    chief, workers = jobs.get("chief", ()), jobs.get("worker", ())
    if len(chief) > 1:
        raise _error(f"it has {len(chief)} chiefs, {', '.join(chief)}, and there is one at most")
    everyone = (*chief, *workers)
    if not everyone:
        raise _error("its cluster has no workers")
    twice = sorted({address for address in everyone if everyone.count(address) > 1})
    if twice:
        raise _error(f"its cluster has {', '.join(twice)} more than once")
    task = config.get("task")
    types = sorted(jobs)
    if not isinstance(task, dict) or task.get("type") not in types:
        raise _error(f"its task must have a type, one of {types}, got {task!r:.100}")
    index = task.get("index")
    n_tasks = len(jobs[task["type"]])
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < n_tasks:
        raise _error(
            f"the index of its task must be an int from 0 to {n_tasks - 1}, for it has {n_tasks} of"
            f" the type {task['type']}, got {index!r:.100}"
        )
    return Cluster(everyone, index + (len(chief) if task["type"] == "worker" else 0))


def _addresses(name: str, addresses: Any) -> tuple[str, ...]:
    if not isinstance(addresses, list):
        raise _error(f"its job {name!r} must be a list of addresses, got {addresses!r:.100}")
    for address in addresses:
        host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
        if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
            raise _error(f'the addresses of {name!r} must be "host:port", got {address!r:.100}')
    return tuple(addresses)


def _error(reason: str) -> ValueError:
    return ValueError(
        'distribute="multi_worker" reads the environment variable TF_CONFIG, and it cannot be used:'
        f" {reason}. It must say who trains together and which of them this process is, such as"
        f" TF_CONFIG='{_EXAMPLE}'. For one process, leave distribute at None."
    )
