"""A load in processes of its own, for commands that make several or read what one has left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from loadtests.figures import NAME, Figures


def load(folder: Path, *words: str) -> Figures:
    """`python -m loadtests` with these words; its output is `load.log`. RuntimeError: it broke before it was judged."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).unlink(missing_ok=True)
    with (folder / "load.log").open("wb") as log:
        subprocess.run(
            [sys.executable, "-m", "loadtests", *words, "--out", str(folder)],
            stdout=log,
            stderr=log,
            check=False,
            env=os.environ | {"NO_COLOR": "1"},
        )
    try:
        return Figures.read(folder)
    except OSError:
        raise RuntimeError(f"the load broke: see {folder / 'load.log'}") from None
