"""Which policy does a configuration document mean? YAML and CEL end in this room."""

from tocsin.policy.loading import Loaded, compile_document, document_hash, load, with_indexes
from tocsin.policy.stored import load_stored, secret_names, shown, with_keys_of

__all__ = [
    "Loaded",
    "compile_document",
    "document_hash",
    "load",
    "load_stored",
    "secret_names",
    "shown",
    "with_indexes",
    "with_keys_of",
]
