import subprocess
import sys

import numpy as np

import skmlclf


def test_versions_are_shown_without_importing_anything(capsys):
    code = (
        "import sys, skmlclf; skmlclf.show_versions(); "
        "assert not {'tensorflow', 'keras', 'pandas', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = dict(line.split(":", 1) for line in done.stdout.splitlines())
    assert lines["skmlclf"].strip() == skmlclf.__version__
    assert lines["numpy"].strip() == np.__version__
    assert {"python", "platform", "scikit-learn", "keras", "tensorflow", "safetensors"} <= set(
        lines
    )


def test_what_is_not_installed_is_left_out(monkeypatch, capsys):
    monkeypatch.setattr("skmlclf._versions._PACKAGES", ("numpy", "no-such-package"))
    skmlclf.show_versions()
    assert "no-such-package" not in capsys.readouterr().out
