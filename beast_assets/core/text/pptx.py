"""PowerPoint presentations (.pptx), a part a slide."""

from ..records import Part, Skip
from .archive import Archive
from .office import lines, open_office, related
from .parts import Parts, Refused, guarded
from .xml import local

_MAIN = "ppt/presentation.xml"


@guarded("pptx")
def pptx_parts(data: bytes) -> list[Part] | Skip:
    """Read each slide with its speaker notes (place ``slide 2``), in the order of showing."""
    archive = open_office(data)
    if _MAIN not in archive:
        raise Refused("not a PowerPoint file")
    parts = Parts()
    for number, slide in enumerate(_slides(archive), start=1):
        if slide is None:
            continue  # it keeps its number
        text = _text(archive, slide)
        for kind in ("diagramData", "notesSlide"):
            for member in related(archive, slide, kind).values():
                text += _text(archive, member)
        parts.add("\n".join(text), f"slide {number}")
    return parts.found


def _slides(archive: Archive) -> list[str | None]:
    """Give the slides in their order, None for one that is missing.

    The numbers in their names are those of their making.
    """
    slides = related(archive, _MAIN, "slide")
    order = []
    for element in archive.tree(_MAIN).iterfind("{*}sldIdLst/{*}sldId"):
        ids = (value for key, value in element.items() if key != "id" and local(key) == "id")
        order.append(slides.get(next(ids, "")))
    return order


def _text(archive: Archive, member: str) -> list[str]:
    return [line for line in lines(archive.tree(member)) if line.strip()]
