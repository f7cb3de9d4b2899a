"""Changes to records, tried before they are published."""

from senderauth.advice.propose.supposed import Supposed, WhatIf, what_if

__all__ = ["Supposed", "WhatIf", "what_if"]
