"""The part of docs/reliability.md that tells what the batteries found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

BEGIN, END = "<!-- batteries:begin -->", "<!-- batteries:end -->"
Record = Mapping[str, Any]


def insert(page: str, found: Mapping[str, Any]) -> str:
    """Return the page with the part between its markers written anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{write(found)}{END}{after}"


def write(found: Mapping[str, Any]) -> str:
    """Write counts, rules and every answer."""
    inputs, restoring, training, disks = (
        found.get(name, []) for name in ("inputs", "restoring", "training", "disks")
    )
    rules = found["rules"]
    parts = [
        f"Made with version {found['version']}, Python {found['python']}, PyTorch {found['torch']} "
        f"on {found['system']}; seed {found['seed']}.",
        _table(
            ("battery", "tried", "as promised"),
            [
                ("bad inputs", len(inputs), _kept(inputs)),
                ("`dgno restore` killed", len(restoring), _kept(restoring)),
                ("`dgno-train` killed", len(training), _kept(training)),
                ("full disks", len(disks), _kept(disks)),
            ],
        ),
        "### Kills",
        "SIGKILL, at random moments of the work (a few before anything is written). After it, what "
        "bears a final name is whole and has the record that belongs to it, an earlier result is "
        "there unless the new one is, and the same command run again completes, leaving only the "
        "result and its record. A killed training leaves only whole files; resumed, or begun again "
        "where there was no checkpoint yet, it gives bit for bit the weights of a run that was "
        "never killed.",
        _table(("work", "kills", "what the kill left", "as promised"), _kills(restoring, training)),
        "### Full disks",
        "Status 2, one line, what was there before is as it was, and nothing half-written is left.",
        _table(
            ("work", "answer"),
            [(one["work"], _answer(one)) for one in disks],
        ),
        "### Bad inputs",
        "Each must end with status 2 and one line on stderr, say nothing on stdout, change "
        f"nothing in its folder, run no foreign code, and take at most {rules['cpu_seconds']:.0f} "
        f"CPU seconds and {rules['peak_mb']:.0f} MB (loading the libraries alone: about 4 s "
        f"and 350 MB; the dearest answer took {_most(inputs, 'cpu_seconds'):.0f} s, the largest "
        f"{_most(inputs, 'peak_mb'):.0f} MB).",
    ]
    for kind in dict.fromkeys(one["kind"] for one in inputs):
        rows = [(one["title"], _answer(one)) for one in inputs if one["kind"] == kind]
        parts.append(_table((HEADS[kind], "answer"), rows))
    return "\n" + "\n\n".join(parts) + "\n\n"


HEADS = {
    "image": "image",
    "weights": "weights",
    "output": "output",
    "settings": "settings",
    "command": "other commands",
}


def failures(found: Mapping[str, Any]) -> list[str]:
    """Name everything that was not as promised."""
    return [
        f"{one.get('title') or one['work']}: {', '.join(one['broken'])}"
        for name in ("inputs", "restoring", "training", "disks")
        for one in found.get(name, [])
        if one["broken"]
    ]


def _kills(*batteries: Sequence[Record]) -> list[tuple[object, ...]]:
    """Sum kills up by what was killed."""
    rows: list[tuple[object, ...]] = []
    for battery in batteries:
        for work in dict.fromkeys(one["work"] for one in battery):
            these = [one for one in battery if one["work"] == work]
            left = Counter(one["left"] for one in these)
            words = ", ".join(f"{count} x {what}" for what, count in sorted(left.items()))
            rows.append((work, len(these), words, _kept(these)))
    return rows


def _kept(records: Sequence[Record]) -> int:
    return sum(not one["broken"] for one in records)


def _most(records: Sequence[Record], name: str) -> float:
    return max((one[name] for one in records), default=0.0)


def _answer(record: Record) -> str:
    text = _cell(record["sentence"])
    if record["broken"]:
        return f"**{_cell(', '.join(record['broken']))}**: {text}"
    return text


def _cell(text: str) -> str:
    """Make a text fit for a table: short, and nothing in it a sign of Markdown."""
    short = text if len(text) <= 400 else f"{text[:200]} ... {text[-180:]}"
    for sign in "\\|*_<>[]`":
        short = short.replace(sign, f"\\{sign}")
    return short


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
