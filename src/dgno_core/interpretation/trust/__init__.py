"""Where a restored image can be trusted: re-blur consistency, agreement, range of the model."""

from __future__ import annotations

from dgno_core.interpretation.trust.result import TrustFound, TrustMap
from dgno_core.interpretation.trust.run import TrustEvent, trust_events

__all__ = ["TrustEvent", "TrustFound", "TrustMap", "trust_events"]
