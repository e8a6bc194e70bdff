import importlib.util
import sys
from pathlib import Path

# Test modules are imported by path, so what they share is too.
for _name in ("cases", "damage", "writing"):
    _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(f"{_name}.py"))
    sys.modules[_name] = _module = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(_module)
