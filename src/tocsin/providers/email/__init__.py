"""E-mail as a way to page: plain text, one thread for each incident."""
