"""Where a restored image can be trusted: re-blur consistency, agreement, range of the model."""

from __future__ import annotations

from dgno_core.interpretation.trust.result import TrustFound, TrustMap
from dgno_core.interpretation.trust.run import SURROUNDINGS, TrustEvent, trust_events
from dgno_core.interpretation.trust.verdict import Verdict

__all__ = ["SURROUNDINGS", "TrustEvent", "TrustFound", "TrustMap", "Verdict", "trust_events"]
