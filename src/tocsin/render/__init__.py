"""How does a report look on paper, on a page and in a table? Values in, bytes out."""
