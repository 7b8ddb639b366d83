"""Which policy does a configuration document mean? YAML and CEL end in this room."""

from tocsin.policy.loading import Loaded, compile_document, document_hash, load, with_indexes

__all__ = ["Loaded", "compile_document", "document_hash", "load", "with_indexes"]
