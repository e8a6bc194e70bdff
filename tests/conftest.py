import importlib.util
import sys
from pathlib import Path

# Test modules are imported by path, so what they share is too.
_spec = importlib.util.spec_from_file_location(
    "inputs_table", Path(__file__).with_name("inputs_table.py")
)
sys.modules["inputs_table"] = _module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
