"""Record lint: what checkdmarc thinks of a domain's SPF and DMARC records, as findings."""

from senderauth.lint.run import lint

__all__ = ["lint"]
