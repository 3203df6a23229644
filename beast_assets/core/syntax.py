"""Where functions and classes begin in source code, as tree-sitter's grammars see it."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Language, Query

#: Longer sources are not parsed: they are mostly generated.
MAX_PARSED_CHARS = 2**20


class _Grammar(NamedTuple):
    """A grammar: its package, the function in it, and the nodes that are definitions."""

    package: str
    function: str
    nodes: str


_C = "(function_definition) (struct_specifier body: (_)) (enum_specifier body: (_))"
_JAVASCRIPT = (
    "(function_declaration) (generator_function_declaration) (class_declaration)"
    " (method_definition)"
    " (lexical_declaration (variable_declarator value: [(arrow_function) (function_expression)]))"
)
_TYPESCRIPT = (
    _JAVASCRIPT + " (abstract_class_declaration) (interface_declaration) (enum_declaration)"
    " (type_alias_declaration) (internal_module)"
)
_GRAMMARS = {
    "python": _Grammar(
        "tree_sitter_python", "language", "(function_definition) (class_definition)"
    ),
    "javascript": _Grammar("tree_sitter_javascript", "language", _JAVASCRIPT),
    "typescript": _Grammar("tree_sitter_typescript", "language_typescript", _TYPESCRIPT),
    "tsx": _Grammar("tree_sitter_typescript", "language_tsx", _TYPESCRIPT),
    "rust": _Grammar(
        "tree_sitter_rust",
        "language",
        "(function_item) (struct_item) (enum_item) (union_item) (trait_item) (impl_item)"
        " (mod_item body: (_)) (macro_definition)",
    ),
    "go": _Grammar(
        "tree_sitter_go",
        "language",
        "(function_declaration) (method_declaration) (type_declaration)",
    ),
    "c": _Grammar("tree_sitter_c", "language", _C),
    "cpp": _Grammar(
        "tree_sitter_cpp",
        "language",
        _C + " (class_specifier body: (_)) (namespace_definition) (template_declaration)",
    ),
    "java": _Grammar(
        "tree_sitter_java",
        "language",
        "(class_declaration) (interface_declaration) (enum_declaration) (record_declaration)"
        " (annotation_type_declaration) (method_declaration) (constructor_declaration)",
    ),
    "bash": _Grammar("tree_sitter_bash", "language", "(function_definition)"),
}
_SUFFIXES = {
    "python": ".py .pyi .pyw",
    "javascript": ".js .mjs .cjs .jsx",
    "typescript": ".ts .mts .cts",
    "tsx": ".tsx",
    "rust": ".rs",
    "go": ".go",
    "c": ".c",
    "cpp": ".h .cc .cpp .cxx .hh .hpp .hxx",
    "java": ".java",
    "bash": ".sh .bash",
}
_LANGUAGE_OF = {suffix: name for name, all_ in _SUFFIXES.items() for suffix in all_.split()}

# What belongs to the definition below it: comments, decorators, attributes, annotations.
_LEAD = re.compile(r"[ \t]*+(?:#|//|/\*|\*|@|--|template\b)")
_MOST_LEAD_LINES = 100
_INDENTATION = re.compile(r"[ \t]*+")


def is_source_code(suffix: str) -> bool:
    """Tell whether files of this suffix (lower case, with its dot) are parsed."""
    return suffix in _LANGUAGE_OF


def find_definitions(text: str, suffix: str) -> set[int]:
    """Find the definitions of a source text.

    A definition begins with the comments and decorators directly above it. A text that is too long
    or that the grammar makes nothing of has none.

    Args:
        text: the source.
        suffix: for which ``is_source_code`` holds.

    Returns:
        Positions of first characters, no white space.
    """
    if len(text) > MAX_PARSED_CHARS:
        return set()
    starts = _definitions(text, _LANGUAGE_OF[suffix])
    return {_with_lead(text, start) for start in _in_characters(text, starts)}


@cache
def _loaded(name: str) -> "tuple[Language, Query]":
    from tree_sitter import Language, Query

    grammar = _GRAMMARS[name]
    language = Language(getattr(import_module(grammar.package), grammar.function)())
    return language, Query(language, f"[{grammar.nodes}] @definition")


def _definitions(text: str, name: str) -> list[int]:
    """Where they begin in UTF-8, in bytes, in order."""
    from tree_sitter import Parser, QueryCursor

    language, query = _loaded(name)
    tree = Parser(language).parse(text.encode("utf-8", "surrogatepass"))
    nodes = QueryCursor(query).captures(tree.root_node).get("definition", [])
    return sorted({node.start_byte for node in nodes})


def _in_characters(text: str, places: Iterable[int]) -> Iterator[int]:
    if text.isascii():
        yield from places
        return
    encoded = text.encode("utf-8", "surrogatepass")
    counted = characters = 0
    for place in places:
        characters += len(encoded[counted:place].decode("utf-8", "surrogatepass"))
        counted = place
        yield characters


def _with_lead(text: str, place: int) -> int:
    """Go back from a definition to the first line that belongs to it, behind its indentation."""
    line = _line_start(text, place)
    for _ in range(_MOST_LEAD_LINES):
        above = _line_start(text, line - 1) if line else 0
        if above == line or not _LEAD.match(text, above, line):
            break
        line = above
    match = _INDENTATION.match(text, line)
    return match.end() if match else line


def _line_start(text: str, place: int) -> int:
    return max(text.rfind("\n", 0, place), text.rfind("\r", 0, place)) + 1
