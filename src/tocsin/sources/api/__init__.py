"""The source `api`: POST /api/v1/alerts."""
