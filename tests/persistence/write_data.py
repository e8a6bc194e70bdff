"""Write the files of `data/`, one of every class, as the present version writes them.

To be run once for each released version; its files are kept for the test of those that follow:
``python tests/persistence/write_data.py``.
"""

from pathlib import Path

import cases
import numpy as np

import skmlclf


def main():
    folder = Path(__file__).with_name("data") / skmlclf.__version__
    folder.mkdir(parents=True)
    X, y = cases.targets()["frame"]
    estimators = {name: clf.partial_fit(X, y) for name, clf in cases.classifiers().items()}
    pipeline = cases.pipelines()["feature_mlp"].fit(cases.features(), cases.label_matrix())
    third = cases.targets()["strings"]
    estimators |= {"pipeline": pipeline, "strings": cases.classifiers()["base"].fit(*third)}
    for name, estimator in estimators.items():
        skmlclf.save(estimator, folder / f"{name}.safetensors", with_optimizer=True)
        np.save(folder / f"{name}.npy", estimator.predict_proba(cases.rows_of(estimator)))


if __name__ == "__main__":
    main()
