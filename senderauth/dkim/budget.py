"""How much a search for causes may cost, and what it did."""

from __future__ import annotations

from dataclasses import dataclass, field

from senderauth.values import Reason, Trace


@dataclass(slots=True)
class Budget:
    """Attempts and octets that may still be hashed."""

    attempts: int
    octets: int
    used: int = 0
    exhausted: bool = False
    """An attempt was wanted and refused."""

    def take(self, octets: int) -> bool:
        """Whether one more attempt over so many octets is allowed; then it is counted."""
        if self.used >= self.attempts or octets > self.octets:
            self.exhausted = True
            return False
        self.used += 1
        self.octets -= octets
        return True


@dataclass(slots=True)
class Search:
    """One search: its budget, what was tried and what was proven."""

    budget: Budget
    trace: Trace
    tried: list[str] = field(default_factory=list)
    proven: Reason | None = None

    def note(self, id: str, before: int) -> bool:
        """Notes a way that was tried, with the attempts since `before`; whether to go on."""
        attempts = self.budget.used - before
        if attempts:
            self.trace.note(id, attempts=attempts, proven=self.proven is not None)
            self.tried.append(id)
        return self.proven is None
