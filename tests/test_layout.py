"""Who may import whom, and what importing the package costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import skmlclf

ROOT = Path(skmlclf.__file__).parent
FLOORS = {
    "_atomic": 0,
    "_compat": 0,
    "_registration": 6,
    "_indicator": 0,
    "_paths": 0,
    "_progress": 0,
    "_row_store": -1,
    "_transformed_rows": 0,
    "_versions": 0,
    "metrics": 1,
    "datasets": 1,
    "model_selection": 1,
    "preprocessing": 1,
    "persistence": 1,
    "networks": 1,
    "training": 2,
    "displays": 2,
    "thresholds": 2,
    "callbacks": 3,
    "classifiers": 4,
    "comparison": 5,
    "prediction": 5,
    "cli": 6,
    "__main__": 7,
    "__init__": 7,
}


def _room(module_path: Path) -> str:
    return module_path.relative_to(ROOT).parts[0].removesuffix(".py")


def _imported_modules(path: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        modules |= {name for name in names if name.startswith("skmlclf.")}
    return modules


def _imported_rooms(path: Path) -> set[str]:
    return {module.split(".")[1] for module in _imported_modules(path)}


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down_only(path):
    here = _room(path)
    for room in _imported_rooms(path) - {here}:
        assert FLOORS[room] < FLOORS[here], f"{here} imports {room}"


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_private_modules_stay_in_their_package(path):
    here = _room(path)
    for module in _imported_modules(path):
        room, *inside = module.split(".")[1:]
        private = [part for part in inside if part.startswith("_")]
        assert room == here or not private, f"{here} imports {module}"


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_is_short_enough_to_read(path):
    assert len(path.read_text().splitlines()) <= 450


@pytest.mark.parametrize(
    "module",
    ["", ".metrics", ".datasets", ".model_selection", ".preprocessing", ".persistence", ".cli"],
    ids=lambda m: f"skmlclf{m}",
)
def test_import_is_light(module):
    code = (
        f"import sys, skmlclf{module}; "
        "print(*({'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_public_name_is_there():
    for name in skmlclf.__all__:
        assert getattr(skmlclf, name) is not None
    assert set(skmlclf.__all__) <= set(dir(skmlclf))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = skmlclf.no_such_name
