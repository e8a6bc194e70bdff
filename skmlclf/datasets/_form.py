"""What records must hold, as the readers' and the writer's parameters describe it."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral

YOUTUBE8M_FEATURES = {
    "video": {"mean_rgb": 1024, "mean_audio": 128},
    "frame": {"rgb": 1024, "audio": 128},
}


@dataclass(frozen=True)
class Form:
    """What a record must hold."""

    features: dict[str, int]  # of a video's features, or of the frames that are pooled
    id_feature: str
    labels_feature: str | None
    n_labels: int
    level: str = "video"  # or "frame"
    pooling: str = "mean"  # or "mean_std"; of frames

    @property
    def kinds(self) -> dict[str, str]:
        """The features of a record that are not frames, and the kind of each."""
        kinds = {self.id_feature: "bytes_list"}
        if self.level == "video":
            kinds |= dict.fromkeys(self.features, "float_list")
        return kinds if self.labels_feature is None else kinds | {self.labels_feature: "int64_list"}

    @property
    def columns(self) -> dict[str, int]:
        """Names and widths of the groups of columns, in order."""
        if self.level == "video":
            return self.features
        statistics = self.pooling.split("_")
        return {f"{s}_{name}": width for name, width in self.features.items() for s in statistics}

    @property
    def n_columns(self) -> int:
        """The number of columns."""
        return sum(self.columns.values())

    @property
    def column_names(self) -> list[str]:
        """The names of the columns."""
        return [f"{name}_{i}" for name, width in self.columns.items() for i in range(width)]


def make_form(
    features: Mapping[str, int] | None,
    id_feature: str,
    labels_feature: str | None,
    n_labels: int,
    *,
    level: str = "video",
    pooling: str = "mean",
) -> Form:
    """Check what a user passed, and return what it means."""
    form = Form(
        _check_features(YOUTUBE8M_FEATURES[level] if features is None else features),
        id_feature,
        labels_feature,
        int(n_labels),
        level,
        pooling,
    )
    names = [*form.features, id_feature, labels_feature]
    if len(set(names)) < len(names):
        raise ValueError(
            "Expected different names in features, id_feature and labels_feature. Received "
            f"{names}. Rename the one that occurs twice."
        )
    return form


def _check_features(features: Mapping[str, int]) -> dict[str, int]:
    """Check that every feature has a name and a positive width."""
    if not features:
        raise ValueError(
            "Expected features to name at least one list of floats, such as "
            f"{YOUTUBE8M_FEATURES['video']}. Received an empty mapping."
        )
    for name, width in features.items():
        if not isinstance(name, str):
            raise ValueError(f"Expected the names in features to be strings. Received {name!r}.")
        if not isinstance(width, Integral) or isinstance(width, bool) or width < 1:
            raise ValueError(
                f"Expected the width of feature {name!r} to be an integer of 1 or more. "
                f"Received {width!r}."
            )
    return {name: int(width) for name, width in features.items()}
