"""The only room that speaks SQL: rows in, values out."""
