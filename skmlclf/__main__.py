"""``python -m skmlclf`` is the command ``skmlclf``."""

import sys

from skmlclf.cli import main

if __name__ == "__main__":
    sys.exit(main())
