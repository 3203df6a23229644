"""What the pictures of the documentation share: a folder that is shown, and few colours."""

import argparse
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

CHECKOUT = Path(__file__).parents[1]
MODEL = "all-MiniLM-L6-v2"


def asked_for(description: str | None) -> argparse.Namespace:
    """The command's words: ``folder``, which is shown in the pictures, and ``output``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--folder", type=Path, default=Path("/srv/docs"), help="shown in them")
    parser.add_argument("--output", type=Path, default=CHECKOUT / "docs" / "img")
    return parser.parse_args()


@contextmanager
def copied(folder: Path) -> Iterator[None]:
    """Our documents under a name that says nothing of this machine; gone at the end."""
    folder.mkdir()  # never one that is there
    try:
        for page in [*sorted((CHECKOUT / "docs").glob("*.md")), CHECKOUT / "README.md"]:
            shutil.copy(page, folder)
        yield
    finally:
        shutil.rmtree(folder)


def keep(picture: bytes, path: Path) -> None:
    """Write a picture in few colours: it has few, and is half the size."""
    colours = Image.open(io.BytesIO(picture)).convert("RGB")
    colours.quantize(256, Image.Quantize.MAXCOVERAGE).save(path, optimize=True)
