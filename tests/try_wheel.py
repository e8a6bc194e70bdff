"""What an installed wheel has to do, where nothing else is installed."""

import tempfile
from pathlib import Path

import skmlclf
from skmlclf.datasets import make_video_embeddings


def main() -> None:
    """Fit, predict, save and load."""
    skmlclf.show_versions()
    X, y = make_video_embeddings(60, n_labels=10, n_video=12, n_audio=4, random_state=0)
    clf = skmlclf.BaseMLPClassifier(8, epochs=2, random_state=0).fit(X, y)
    labels, scores = clf.predict_topk(X, k=3)
    assert labels.shape == scores.shape == (60, 3)

    path = Path(tempfile.mkdtemp(), "model.safetensors")
    clf.save(path)
    assert (skmlclf.load(path).predict(X) != clf.predict(X)).nnz == 0
    # Files that are no Python code belong to the package too.
    package = Path(skmlclf.__file__).parent
    assert (package / "py.typed").exists()
    assert (package / "comparison" / "report.html").exists()
    print(f"the wheel in {package} works")


if __name__ == "__main__":
    main()
