"""Opsgenie, both ways: the Alert API and its outgoing webhook."""
