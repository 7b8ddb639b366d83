"""The source `acme`."""
