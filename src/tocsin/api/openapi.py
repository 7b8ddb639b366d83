"""What does the API promise, as a document: the same for the same code.

`python -m tocsin.api.openapi docs/openapi.json` writes the committed one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tocsin.api.app import bare_app
from tocsin.api.description import document_of, text_of


def openapi_document() -> dict[str, Any]:
    """The document of this version, without a hub."""
    return document_of(bare_app())


def main() -> None:
    """Write the document to the file named, or to standard output."""
    text = text_of(openapi_document())
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
