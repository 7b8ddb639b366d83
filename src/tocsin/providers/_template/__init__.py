"""Copy this folder under the name of the provider; its manifest and fixtures say what is left to do."""
