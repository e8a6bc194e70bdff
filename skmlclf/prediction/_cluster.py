"""Tasks that the workers of a Dask cluster run."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

from skmlclf.prediction._task import Model, Outcome, Task, run_task


def run_on_cluster(
    tasks: list[Task], model: Model, scheduler: Any
) -> Iterator[tuple[Task, Outcome]]:
    """Run tasks on a cluster, and yield each with its outcome, in the order in which they end.

    Parameters
    ----------
    tasks : list of Task
    model : Model
    scheduler : str or distributed.Client
        Address of a scheduler, or a client of it, which is left open.

    Raises
    ------
    ImportError
        If Dask is not installed.
    OSError
        If there is no scheduler at this address.
    """
    try:
        import distributed
    except ImportError:
        raise ImportError(
            "Expected Dask to be installed, which spreads files over a cluster. Install it with"
            " pip install skmlclf[dask], or predict in this process, without a scheduler."
        ) from None
    is_address = isinstance(scheduler, str)
    with (
        distributed.Client(scheduler, set_as_default=False)
        if is_address
        else nullcontext(scheduler) as client
    ):
        futures = {
            client.submit(
                run_task, task, model, key=f"predict_file-{model.call}-{i}", pure=False
            ): task
            for i, task in enumerate(tasks)
        }
        try:
            # The loop of this client: there may be no default one.
            for future in distributed.as_completed(list(futures), loop=client.loop):
                task = futures.pop(future)
                try:
                    outcome = future.result()
                except (Exception, distributed.CancelledError) as error:
                    # A task fails in this way where its workers died, or the scheduler did.
                    outcome = Outcome(error=f"{task.source}: {type(error).__name__}: {error}")
                yield task, outcome
        finally:
            if futures:
                client.cancel(list(futures))
