"""Load video-level feature records, the form in which YouTube-8M is published."""

import os
from collections import deque
from collections.abc import Iterable, Mapping
from numbers import Integral

import numpy as np
from sklearn.utils import Bunch

from skmlclf._compat import Interval, validate_params
from skmlclf._paths import Paths, expand_paths
from skmlclf.datasets._examples import Videos
from skmlclf.datasets._form import make_form
from skmlclf.datasets._labels import check_labelled, make_target
from skmlclf.datasets._reader import read_videos


@validate_params(
    {
        "paths": [str, os.PathLike, Iterable],
        "n_labels": [Interval(Integral, 1, None, closed="left")],
        "features": [Mapping, None],
        "id_feature": [str],
        "labels_feature": [str, None],
    },
    prefer_skip_nested_validation=True,
)
def load_tfrecords(
    paths: Paths,
    *,
    n_labels: int = 3862,
    features: Mapping[str, int] | None = None,
    id_feature: str = "id",
    labels_feature: str | None = "labels",
) -> Bunch:
    """Load local TFRecord files of video-level features and labels.

    Each record is a `tf.train.Example` that holds a video's id (bytes), the ids of its labels
    (a list of int64) and one list of floats for each modality. The defaults read the video-level
    files of YouTube-8M's 2018 release [1]_.

    .. versionadded:: 0.1

    Parameters
    ----------
    paths : str, path-like, or iterable of these
        Files to read, plain or compressed with gzip, as paths or as glob patterns such as
        `"train/*.tfrecord"` (`**` matches folders at any depth). Each file is read once, however
        many paths and links lead to it, in the sorted order of the paths.
    n_labels : int, default=3862
        Number of labels of the data set: label ids go from 0 to `n_labels - 1`, also where some do
        not occur in the files.
    features : mapping of str to int, default=None
        Name and number of values of each list of floats, in the order of the columns. `None` stands
        for those of YouTube-8M, `{"mean_rgb": 1024, "mean_audio": 128}`.
    id_feature : str, default="id"
        Name of the feature that identifies a record.
    labels_feature : str or None, default="labels"
        Name of the feature that lists a record's label ids. Every record must have it; its list
        may be empty. `None` reads files whose labels are withheld, such as those of a test split,
        and ignores labels where there are any.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : ndarray of shape (n_samples, n_features), dtype float32
            The features side by side, C-contiguous.
        target : csr_matrix of shape (n_samples, n_labels), dtype int64, or None
            1 where a video has a label. `None` if `labels_feature` is `None`.
        ids : ndarray of shape (n_samples,), dtype str
            The videos' ids, which are UTF-8 in the files.
        feature_names : list of str
            Names of the columns: `mean_rgb_0`, `mean_rgb_1`, ...
        DESCR : str
            What was read.

    Raises
    ------
    FileNotFoundError
        If a path or a pattern matches no file, or matches a link to a file that does not exist.
    ValueError
        If a file is empty, truncated, damaged or not a TFRecord file; if a record lacks a feature
        or has one of another width or type; if a label id is outside `0 .. n_labels - 1`; if a
        feature is NaN or infinite; if an id is not UTF-8. The message names the file and the
        record. Also if no record of a file has a label while records of other files have: such a
        file is probably of a test split. Loaded by itself, it raises no error.

    See Also
    --------
    VideoRecords : Leave the features of records on disk.
    make_video_embeddings : Simulate data of the same form.

    Notes
    -----
    `data` takes `4 * n_samples * n_features` bytes, and reading takes little more. Checksums are
    verified. TensorFlow is not needed, and not imported.

    References
    ----------
    .. [1] S. Abu-El-Haija, N. Kothari, J. Lee, P. Natsev, G. Toderici, B. Varadarajan and
       S. Vijayanarasimhan, "YouTube-8M: A Large-Scale Video Classification Benchmark", 2016.
       https://arxiv.org/abs/1609.08675

    Examples
    --------
    >>> import tempfile
    >>> from skmlclf.datasets import load_tfrecords, make_video_embeddings, write_tfrecords
    >>> X, y = make_video_embeddings(100, n_labels=50, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = write_tfrecords(f"{folder}/train.tfrecord", X, y, shards=2)
    ...     train = load_tfrecords(f"{folder}/*.tfrecord", n_labels=50)
    >>> train.data.shape, train.target.shape, train.feature_names[:2]
    ((100, 1152), (100, 50), ['mean_rgb_0', 'mean_rgb_1'])
    """
    form = make_form(features, id_feature, labels_feature, n_labels)
    files = expand_paths(paths)
    blocks: deque[Videos] = deque()
    n_labelled = dict.fromkeys(files, 0)
    for file, _, videos, _ in read_videos(files, form):
        blocks.append(videos)
        n_labelled[file] += len(videos.labels)
    if labels_feature is not None:
        check_labelled(n_labelled)

    ids = np.array([video_id for block in blocks for video_id in block.ids])
    target = None
    if labels_feature is not None:
        labels, counts = (np.concatenate([block[i] for block in blocks]) for i in (3, 4))
        target = make_target(labels, counts, form.n_labels)
    data = np.empty((len(ids), form.n_columns), dtype=np.float32)
    start = 0
    while blocks:  # a block is let go once copied, so that the data is never held twice
        rows = blocks.popleft().data
        data[start : start + len(rows)] = rows
        start += len(rows)
    return Bunch(
        data=data,
        target=target,
        ids=ids,
        feature_names=form.column_names,
        DESCR=f"{len(data)} records read from {len(files)} TFRecord files.",
    )
