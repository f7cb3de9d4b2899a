"""ARC (RFC 8617): who handed a message on, what each of them saw, and whether the chain holds."""

from senderauth.arc.chain import validate
from senderauth.arc.result import ArcSet, ChainResult

__all__ = ["ArcSet", "ChainResult", "validate"]
