"""The command `im`: every verb is a call of the public API, made through `tocsin.client` alone."""
