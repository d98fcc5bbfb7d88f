"""A model on a real focal stack: what each plane gains, and what is asked of the weights there.

python scripts/focal_stack.py STACK [MODEL]
"""

from __future__ import annotations

import sys

from cards.requirements import stack_requirements

from dgno_core.evaluation.focal_stack import StackScored, read_stack, score_stack_events
from dgno_core.evaluation.report import stack_table
from dgno_core.evaluation.restorer import packaged_stack_restorer
from dgno_core.evaluation.scores import ModelScores


def main(arguments: list[str]) -> None:
    """Print the table of a stack."""
    images, depths = read_stack(arguments[0])
    restorer = packaged_stack_restorer(arguments[1] if arguments[1:] else "auto")
    for event in score_stack_events(images, depths, restorer):
        if isinstance(event, StackScored):
            scores = ModelScores(event.model, event.weights_sha256, planes=event.planes)
            print(f"{event.model} {event.weights_sha256[:12]}")
            print(stack_table([scores]), *event.left_out, sep="\n")
            for one in stack_requirements(event.planes, event.left_out):
                print(f"{'kept' if one.kept else 'NOT KEPT'}: {one.text}: {one.measured}")


if __name__ == "__main__":
    main(sys.argv[1:])
