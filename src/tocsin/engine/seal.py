"""Credentials at rest: sealed with the installation's secret key (AES-256-GCM)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12
LOST_KEY = (
    "the secret key is not the one it was sealed with. "
    "Give the old TOCSIN_SECRET_KEY back, or apply the configuration with credentials again."
)


class Unsealable(Exception):
    """The secret key is not the one this was sealed with."""


class Seal:
    """Seals and opens small texts. `key` is what TOCSIN_SECRET_KEY or the key file holds: base64 of 32
    bytes, or any passphrase of at least 16 characters (hashed to a key)."""

    def __init__(self, key: str) -> None:
        if len(key.strip()) < 16:
            raise ValueError(
                "TOCSIN_SECRET_KEY needs at least 16 characters; `openssl rand -base64 32` makes a good one"
            )
        self._key = _key_bytes(key.strip())
        self._aead = AESGCM(self._key)
        self._derived: dict[str, bytes] = {}

    def close(self, name: str, text: str) -> bytes:
        """Seal `text`; it opens under the same `name` only."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, text.encode(), name.encode())

    def open(self, name: str, sealed: bytes) -> str:
        """What was sealed under `name`; raises Unsealable."""
        try:
            return self._aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode()).decode()
        except (InvalidTag, ValueError):  # ValueError: too short to be one of ours
            raise Unsealable(f"The credential {name} cannot be opened: {LOST_KEY}") from None

    def derived(self, purpose: str) -> bytes:
        """A key of 32 bytes for this purpose alone (HKDF, RFC 5869): the same on every node with this secret key."""
        if purpose not in self._derived:
            hkdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"tocsin {purpose}".encode())
            self._derived[purpose] = hkdf.derive(self._key)
        return self._derived[purpose]


def _key_bytes(key: str) -> bytes:
    try:
        raw = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    return raw if len(raw) == 32 else hashlib.sha256(key.encode()).digest()


def new_key() -> str:
    """A fresh key for the key file."""
    return base64.b64encode(secrets.token_bytes(32)).decode()
