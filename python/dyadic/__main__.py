"""`python -m dyadic …` is the command-line tool."""

from __future__ import annotations

import os
import shutil
import sys


def main() -> None:
    tool = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", "dyadic")
    found = tool if os.path.exists(tool) else shutil.which("dyadic")
    if found is None:
        sys.exit("error: this installation of the Python package comes without the tool dyadic, and PATH has none")
    os.execv(found, ["dyadic", *sys.argv[1:]])


if __name__ == "__main__":
    main()
