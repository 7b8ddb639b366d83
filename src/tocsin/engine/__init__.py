"""The verbs: gather, decide, save, one transaction each; then send what was saved."""
