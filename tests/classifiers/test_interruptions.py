"""Ctrl-C and errors of callbacks, in every hook: what the classifier is left with."""

import pickle
from functools import cache

import keras
import numpy as np
import pytest

from skmlclf import BaseMLPClassifier
from skmlclf.classifiers._state import FITTED, model_variables

HOOKS = (
    "set_params",
    "set_model",
    "on_train_begin",
    "on_epoch_begin",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_progress",
    "on_epoch_end",
    "on_train_end",
)
_RNG = np.random.default_rng(0)
X = _RNG.standard_normal((40, 6)).astype(np.float32)
Y = (X @ _RNG.standard_normal((6, 5)) > 1).astype(np.int64)
HELD_OUT = {"X_val": X[20:], "y_val": Y[20:]}


def interrupt(hook, n_calls, error):
    """Return a callback that raises when a hook is called for the n-th time."""
    calls = []

    def raises(self, *args, **kwargs):
        calls.append(hook)
        if len(calls) == n_calls:
            raise error

    return type("Interrupt", (keras.callbacks.Callback,), {hook: raises})()


def make(**parameters):
    return BaseMLPClassifier(
        **{
            "hidden_units": 4,
            "epochs": 3,
            "dropout": 0.3,
            "learning_rate": 0.1,
            "random_state": 0,
            **parameters,
        }
    )


def learnt(classifier):
    """Return everything that a fit leaves, with the optimizer's state where the next resumes it."""
    if not hasattr(classifier, "model_"):
        return [name for name in FITTED if hasattr(classifier, name)]
    variables = model_variables(classifier.model_)
    if classifier._keeps_optimizer:
        variables += classifier.model_.optimizer.variables
    generators = (classifier._generator, classifier._split_generator)
    return [
        [np.asarray(variable.value).tobytes() for variable in variables],
        [str(generator.get_state()) for generator in generators],
        classifier.history_,
        (classifier.n_iter_, classifier.best_epoch_, classifier.classes_.tolist()),
    ]


def loss_of(classifier):
    z = classifier.decision_function(X[20:]).astype(np.float64)
    return (np.logaddexp(0, z) - z * Y[20:]).mean()


CALLS = ("fit", "partial_fit", "fit with warm_start", "fit")


@pytest.mark.parametrize(
    ("hook", "error"),
    [*((hook, KeyboardInterrupt) for hook in HOOKS[:-1]), ("on_epoch_end", RuntimeError)],
)
def test_before_an_epoch_is_completed_nothing_has_changed(hook, error):
    classifier = make(epochs=1)
    for call in CALLS:
        classifier.set_params(warm_start=call == "fit with warm_start")
        function = classifier.partial_fit if call == "partial_fit" else classifier.fit
        before = pickle.dumps(learnt(classifier))
        classifier.set_params(callbacks=[interrupt(hook, 1, error)])
        with pytest.raises(error):
            function(X, Y)
        assert pickle.dumps(learnt(classifier)) == before, call
        classifier.set_params(callbacks=None)
        if call != CALLS[-1]:
            function(X, Y)


@cache
def whole_fit(n_epochs):
    """Return the pickle of a fit that was not interrupted."""
    # Where a callback watches batches, the losses of an epoch are added up one by one.
    watch = interrupt("on_train_batch_end", 0, None)
    classifier = make(epochs=n_epochs, warm_start=True, callbacks=[watch]).fit(X, Y, **HELD_OUT)
    return pickle.dumps(classifier.set_params(callbacks=None))


@pytest.mark.parametrize("hook", HOOKS[3:])
def test_later_the_completed_epochs_are_kept(hook):
    n_epochs, n_calls = (3, 1) if hook == "on_train_end" else (1, 2)
    whole = pickle.loads(whole_fit(n_epochs))
    watch = interrupt("on_train_batch_end", 0, None)
    stop = interrupt(hook, n_calls, RuntimeError)
    classifier = make(warm_start=True, callbacks=[watch, stop])
    with pytest.raises(RuntimeError):
        classifier.fit(X, Y, **HELD_OUT)
    assert learnt(classifier) == learnt(whole)
    copy = pickle.loads(pickle.dumps(classifier.set_params(callbacks=None)))
    for each in (classifier, copy, whole):
        each.set_params(epochs=1).fit(X, Y, **HELD_OUT)
        np.testing.assert_array_equal(each.predict_proba(X), classifier.predict_proba(X))
    assert learnt(classifier) == learnt(whole)


@pytest.mark.parametrize("hook", HOOKS[3:])
def test_early_stopping_that_is_interrupted_tells_which_epoch_it_kept(hook):
    n_calls = 1 if hook == "on_train_end" else 3
    classifier = make(
        epochs=6, learning_rate=1.0, early_stopping=True, n_iter_no_change=6
    ).set_params(callbacks=[interrupt(hook, n_calls, KeyboardInterrupt)])
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(X, Y, **HELD_OUT)
    losses = classifier.history_["val_loss"]
    assert classifier.n_iter_ == len(losses) == len(classifier.history_["loss"])
    np.testing.assert_allclose(loss_of(classifier), losses[classifier.best_epoch_], rtol=1e-5)
    if hook == "on_train_end":
        assert classifier.best_epoch_ == int(np.argmin(losses)) < len(losses) - 1


@pytest.mark.parametrize("warm_start", [False, True])
def test_logs_that_are_no_numbers_leave_the_history_whole(warm_start):
    class Writes(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["rate"] = 0.1 if epoch == 3 else "fast"

    classifier = make(warm_start=warm_start).fit(X, Y)
    before = pickle.dumps(learnt(classifier))
    classifier.set_params(callbacks=[Writes()])
    with pytest.raises(TypeError, match="must be numbers, got 'rate': 'fast'"):
        classifier.fit(X, Y)
    if warm_start:
        # The first of these epochs was completed.
        assert {name: len(each) for name, each in classifier.history_.items()} == {
            "loss": 4,
            "rate": 1,
        }
    else:
        assert pickle.dumps(learnt(classifier)) == before


def test_weights_that_a_callback_has_changed_are_those_of_the_epoch_again():
    class Clears(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.set_weights([0 * each for each in self.model.get_weights()])
                raise KeyboardInterrupt

    whole = make(epochs=1).fit(X, Y)
    classifier = make(callbacks=[Clears()])
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(X, Y)
    assert learnt(classifier)[2:] == learnt(whole)[2:]
    np.testing.assert_array_equal(classifier.predict_proba(X), whole.predict_proba(X))
