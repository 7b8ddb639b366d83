"""Which policy does a configuration document mean? YAML and CEL end in this room."""

from tocsin.policy.editing import Change, Entry, edit
from tocsin.policy.entries import entry_of, marks_of
from tocsin.policy.keeping import Present
from tocsin.policy.loading import Loaded, compile_document, document_hash, load, with_indexes
from tocsin.policy.stored import load_stored, secret_names, shown, with_keys_of

__all__ = [
    "Change",
    "Entry",
    "Loaded",
    "Present",
    "compile_document",
    "document_hash",
    "edit",
    "entry_of",
    "load",
    "load_stored",
    "marks_of",
    "secret_names",
    "shown",
    "with_indexes",
    "with_keys_of",
]
