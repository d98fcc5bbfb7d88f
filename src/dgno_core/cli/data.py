"""`dgno data`: the papers' data sets, whether one lies on disk as it should, fetching BBBC006."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dgno_core.cli.completion import complete_dataset
from dgno_core.cli.help_pages import epilog
from dgno_core.cli.running import new_app
from dgno_core.errors import DGNOError

if TYPE_CHECKING:
    from dgno_core.data.datasets import About, Contents
    from dgno_core.data.datasets.fetch import FetchEvent

SHOWN = 20
Planes = Annotated[
    str | None, typer.Option(metavar="Z,Z,...", help="BBBC006: planes, joined by commas.")
]
app = new_app("The papers' data sets: list them, check a folder, fetch BBBC006.", "dgno data")


@app.command(name="list", epilog=epilog("dgno data list"))
def list_datasets(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="Tell all about this one.", autocompletion=complete_dataset
        ),
    ] = None,
) -> None:
    """List the data sets, or tell all about one: folders, splits, licence, what was verified."""
    from dgno_core.data.datasets import datasets, find_dataset

    if name is not None:
        typer.echo(describe(find_dataset(name).about))
        return
    abouts = [layout.about for layout in datasets().values()]
    width = max(len(about.name) for about in abouts)
    for about in abouts:
        typer.echo(
            f"{about.name:{width}}  {about.images:>7,} images, {about.labelled}: {about.title}"
        )
    typer.echo(
        "\ndgno data list NAME tells all about one, dgno data check NAME ROOT looks at yours."
    )


@app.command(epilog=epilog("dgno data check"))
def check(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A name of dgno data list.", autocompletion=complete_dataset
        ),
    ],
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="Its top folder.")],
    planes: Planes = None,
    quick: Annotated[bool, typer.Option("--quick", help="Do not look into the images.")] = False,
    all_faults: Annotated[bool, typer.Option("--all", help="Show every fault.")] = False,
) -> None:
    """Count the pairs of a data set in a folder, and say what is wrong with it."""
    from dgno_core.data.datasets import find_dataset

    layout = find_dataset(name, None if planes is None else numbers(planes))
    found = layout.scan(root, sizes=not quick)
    typer.echo(summary(found))
    shown = found.faults if all_faults else found.faults[:SHOWN]
    for fault in shown:
        typer.echo(f"  {fault.kind}: {fault.text}")
    if len(found.faults) > len(shown):
        typer.echo(f"  ... and {len(found.faults) - len(shown)} more (--all shows them)")
    if not found.pairs:
        raise DGNOError(f"{root} holds nothing to train or test on as {layout.about.name}.")
    if found.faults:
        raise DGNOError(f"{root} has {len(found.faults)} faults, listed above.")


@app.command(epilog=epilog("dgno data fetch"))
def fetch(
    name: Annotated[Literal["bbbc006"], typer.Argument(help="The data set.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Its top folder.")],
    planes: Planes = None,
    labels: Annotated[bool, typer.Option("--labels", help="Also the outlines of nuclei.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be fetched; ask no server.")
    ] = False,
) -> None:
    """Download BBBC006 from its publisher; run it again to go on after an interruption."""
    from dgno_core.data.datasets.fetch import ALL_PLANES, ESTIMATED_SIZE, archives
    from dgno_core.data.datasets.fetch import fetch as fetch_archives

    if out.exists() and not out.is_dir():
        raise DGNOError(f"{out} is a file; give a folder to --out.")
    wanted = archives(ALL_PLANES if planes is None else numbers(planes), labels=labels)
    if dry_run:
        for archive in wanted:
            typer.echo(f"{archive.url} -> {out / archive.folder} ({archive.files} images)")
        size = ESTIMATED_SIZE * len(wanted) / 1e9
        typer.echo(f"About {size:.1f} GB (estimated); nothing was fetched.")
        return
    last = -1
    for event in fetch_archives(out, wanted):
        last = _tell(event, last)
    typer.echo(f"BBBC006 is in {out}; dgno data check bbbc006-w1 {out} looks at it.")


def numbers(text: str) -> tuple[int, ...]:
    """Numbers joined by commas.

    Raises
    ------
    DGNOError
        If they are none.
    """
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise DGNOError(
            f"--planes takes numbers joined by commas, such as 2,6,10; not {text!r}."
        ) from None


def describe(about: About) -> str:
    """All facts about a data set, as text."""
    size = (
        "of various sizes" if about.size is None else f"of {about.size[0]} x {about.size[1]} pixels"
    )
    expected = ", ".join(f"{count:,} {name}" for name, count in about.expected.items())
    facts = {
        "images": f"{about.images:,} {size}",
        "labelled": about.labelled + (f"; {about.masks}" if about.masks else ""),
        "expected": expected or "unknown",
        "split": about.split,
        "licence": about.licence,
        "home page": about.homepage,
        "cite": about.citation,
        "verified": about.verified,
    }
    lines = [f"{about.name}: {about.title}", "", about.tree, ""]
    return "\n".join(lines + [f"{key + ':':11}{value}" for key, value in facts.items()])


def summary(found: Contents) -> str:
    """How many pairs there are of how many, by split."""
    parts = [f"{count:,} {name}" for name, count in found.counts.items()]
    lines = [f"{found.name} in {found.root}: " + (", ".join(parts) or "no pairs")]
    lines += [
        f"  {name}: {len(found.split(name)):,} of {count:,}"
        for name, count in found.expected.items()
        if len(found.split(name)) != count
    ]
    if found.masks:
        lines.append(f"  masks: {len(found.masks):,} pairs have one")
    if found.is_complete:
        lines.append("  complete")
    return "\n".join(lines)


def _tell(event: FetchEvent, last: int) -> int:
    """Print an event if it is worth a line; the percentage that was told last is remembered."""
    from dgno_core.data.datasets.fetch import AlreadyThere, Unpacked
    from dgno_core.io.download import DownloadProgressed

    if isinstance(event, DownloadProgressed):
        percent = 100 * event.done // event.total if event.total else event.done // 10**7
        if percent // 10 == last:
            return last
        whole = f" of {event.total / 1e6:,.0f}" if event.total else ""
        typer.echo(f"{event.name}: {event.done / 1e6:,.0f}{whole} MB", err=True)
        return int(percent // 10)
    if isinstance(event, Unpacked):
        typer.echo(f"{event.folder}: {event.files} images, SHA-256 of the archive {event.sha256}")
    elif isinstance(event, AlreadyThere):
        typer.echo(f"{event.folder} is there already")
    else:
        typer.echo(f"dgno: warning: {event.text}", err=True)
    return -1
