"""What an agent may ask for and what it is given: the schemas of the tools of ``beast mcp``."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _several(value: Any) -> Any:
    # Some clients send a list as its JSON text, some agents its only item.
    if not isinstance(value, str):
        return value
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return [value]
    return parsed if isinstance(parsed, list) else [value]


_Words = Annotated[list[str], BeforeValidator(_several), Field(max_length=100)]
_Around = Annotated[int, Field(description="Join so many neighbouring passages on each side.")]


class Arguments(BaseModel):
    """A misspelt argument is refused: a filter that is ignored gives wrong answers in silence."""

    model_config = ConfigDict(extra="forbid")


class SearchArguments(Arguments):
    """What ``search`` takes: the useful part of ``SearchOptions``, in tighter bounds."""

    query: str = Field(
        description="A question, or words that the text you look for would use; one topic each.",
    )
    k: int = Field(10, ge=1, le=50, description="At most so many passages.")
    mode: Literal["hybrid", "vector", "text"] = Field(
        "hybrid",
        description="hybrid: meaning and words together; vector: meaning only; "
        "text: words only, for names and error messages.",
    )
    paths: _Words = Field(
        [],
        description="Only files that one of these matches: globs as in .gitignore, relative to "
        "an indexed folder, such as docs/**/*.md, or absolute paths of files and folders. "
        "A ! in front takes files out again.",
    )
    extensions: _Words = Field([], description="Only files of these, such as md or pdf.")
    roots: _Words = Field(
        [], description="Only these indexed folders, by absolute path; the tool status lists them."
    )
    after: str = Field(
        "",
        description="Only files last modified then or later: 2026-11-22, 2026-11-22T17:30, "
        "or an age such as 12h, 7d, 2w, 1y.",
    )
    before: str = Field("", description="Only files last modified then or earlier; as after.")
    per_file: int = Field(
        0, ge=0, le=50, description="At most so many passages of one file; 0: any number."
    )
    context: _Around = Field(0, ge=0, le=5)


class ChunkArguments(Arguments):
    """What ``get_chunk`` takes."""

    chunk_id: str = Field(max_length=100, description="As search gave it.")
    context: _Around = Field(2, ge=0, le=20)


class StatusArguments(Arguments):
    """Nothing."""


class PassageAnswer(BaseModel):
    """A passage of a file."""

    chunk_id: str
    path: str
    line_start: int
    line_end: int
    place: str = Field(description="Page, slide, sheet, cell, chapter or message, if any.")
    text: str
    stale: bool = Field(description="The file has changed or is gone since it was indexed.")
    cut: bool = Field(description="The text is cut short: the answer would be too long.")


class HitAnswer(PassageAnswer):
    """A passage that answers."""

    score: float = Field(description="Higher is better; of use within one answer only.")
    copies: int = Field(description="Nearly equal passages that were left out.")


class SearchAnswer(BaseModel):
    """Best first."""

    hits: list[HitAnswer]
    left_out: int = Field(description="Hits without room in this answer: ask for fewer.")
    version: str = Field(description="Of the index: the same as long as nothing was indexed.")


class StatusAnswer(BaseModel):
    """What is indexed."""

    files: int
    chunks: int
    skipped: int = Field(description="Files without text.")
    quarantined: int = Field(description="Files that could not be read, or hold a secret.")
    roots: list[str] = Field(description="The indexed folders.")
    model: str
    updated: str | None = Field(description="When the index last changed.")
