"""The public API: HTTP in, verbs of the engine called, shapes out."""
