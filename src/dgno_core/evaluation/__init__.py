"""The public evaluation set, its protocol and its report. Imports no torch."""

from __future__ import annotations

from dgno_core.evaluation.focal_stack import StackScored
from dgno_core.evaluation.protocol import (
    EvaluationEvent,
    EvaluationStarted,
    ImageResult,
    ImageScored,
    evaluate_events,
)
from dgno_core.evaluation.public_set import EvaluationImages, EvaluationRow, read_public_set
from dgno_core.evaluation.restorer import ImageRestorer, Restoration, packaged_restorer
from dgno_core.evaluation.run import ReportWritten, run_public_evaluation
from dgno_core.evaluation.scores import ModelScores

__all__ = [
    "EvaluationEvent",
    "EvaluationImages",
    "EvaluationRow",
    "EvaluationStarted",
    "ImageRestorer",
    "ImageResult",
    "ImageScored",
    "ModelScores",
    "ReportWritten",
    "Restoration",
    "StackScored",
    "evaluate_events",
    "packaged_restorer",
    "read_public_set",
    "run_public_evaluation",
]
