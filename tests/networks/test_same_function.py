"""Functions of scripts are sent by value: copies of one have to share what is compiled for it."""

import cloudpickle
import numpy as np

from skmlclf.networks._same_function import function_key

SCRIPT = """
import math
UNITS = {units}
class Layer: pass
def helper(x): return helper(x - 1) if x else UNITS
def build(n_features, n_outputs, *, scale={scale}):
    return [Layer, math.pi, scale, (lambda: helper(n_outputs))()]
"""


def build(units=8, scale=1):
    namespace = {"__name__": "__main__"}
    exec(SCRIPT.format(units=units, scale=scale), namespace)
    return namespace["build"]


def copies(function):
    return [cloudpickle.loads(cloudpickle.dumps(function)) for _ in range(2)]


def test_copies_of_a_function_are_one():
    first, second = copies(build())
    assert first is not second
    assert first.__globals__ is not second.__globals__
    assert function_key(first) == function_key(second)
    assert hash(function_key(first)) == hash(function_key(second))


def test_whatever_a_function_refers_to_makes_a_difference():
    keys = {function_key(build(*values)) for values in [(8, 1), (16, 1), (8, 2), (8, 1.0)]}
    assert len(keys) == 4
    # Each script has a class of its own, which may compute anything.
    assert function_key(build()) != function_key(build())


def test_functions_that_can_be_imported_are_known_by_themselves():
    assert function_key(np.median) == function_key(copies(np.median)[0])
    assert function_key(np.median) != function_key(np.mean)


def test_values_without_a_hash_are_one_if_they_are_the_same_object():
    def refers_to(value):
        return lambda: value

    array = np.zeros(3)
    assert function_key(refers_to(array)) == function_key(refers_to(array))
    assert function_key(refers_to(array)) != function_key(refers_to(np.zeros(3)))
    assert function_key(refers_to([1, {"a": 2}])) == function_key(refers_to([1, {"a": 2}]))
