"""The reader of each format; imported by the child process that runs them, and by nobody else."""

from collections.abc import Mapping
from types import MappingProxyType

from .docx import docx_parts
from .epub import epub_parts
from .html import html_parts
from .mail import mail_parts
from .notebook import notebook_parts
from .parts import Reader
from .pdf import pdf_parts
from .pptx import pptx_parts
from .sheets import sheet_parts

READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "pdf": pdf_parts,
        "docx": docx_parts,
        "pptx": pptx_parts,
        "sheet": sheet_parts,
        "epub": epub_parts,
        "mail": mail_parts,
        "notebook": notebook_parts,
        "html": html_parts,
    }
)
