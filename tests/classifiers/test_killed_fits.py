"""Processes that are killed while they fit; kill_fits.py does the same many times over."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("kill_fits.py")


def test_killed_fits_end_as_undisturbed_ones_do():
    done = subprocess.run(
        [sys.executable, SCRIPT, "--kills", "2", "--seed", "1"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert ", 0 of them otherwise than undisturbed" in done.stdout
