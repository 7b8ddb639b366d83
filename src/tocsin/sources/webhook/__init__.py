"""The source `webhook`: arbitrary JSON, forms, text."""
