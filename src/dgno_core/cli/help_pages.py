"""What stands below the options in `--help`: examples, formats, exit status."""

from __future__ import annotations

STATUS = (
    "0    done",
    "2    bad input: one line says what is wrong; nothing is left half-written",
    "130  Ctrl-C, or a scheduler's terminate",
    "141  whoever read the output has gone",
)
IMAGES = (
    "read:   TIFF, OME-TIFF, ImageJ TIFF, zarr, OME-Zarr, PNG, JPEG, BMP, folders of planes",
    "write:  .tif, .ome.tif, .zarr, .ome.zarr, .png (one plane)",
)
READ_ONLY = IMAGES[:1]

EXAMPLES: dict[str, tuple[str, ...]] = {
    "dgno": (
        "dgno demo",
        "dgno restore cells.tif -o restored.ome.tif",
        "dgno models",
    ),
    "dgno restore": (
        "dgno restore cells.tif -o restored.ome.tif",
        "dgno restore day1/*.tif -o restored --skip-existing",
        "dgno restore stack.ome.zarr -o restored.ome.zarr --dry-run",
        "dgno restore *.png -o restored --json --quiet",
    ),
    "dgno demo": ("dgno demo --out look",),
    "dgno models": (
        "dgno models",
        "dgno models --card dgno-cell-small",
        "dgno models --table --channels 3",
    ),
    "dgno convert": (
        "dgno convert released.pth -o dgno-cell.safetensors --flux jump --boundary neumann",
        "dgno convert mpt.pth -o mpt.safetensors",
    ),
    "dgno evaluate": ("dgno evaluate --data public-set --out page --model all",),
    "dgno detect": (
        "dgno detect blurred.tif -o objects --restore-with auto",
        "dgno detect blurred.tif restored.tif -o objects --truth labels.tif",
    ),
    "dgno train": (
        "dgno train user-stack --dry-run",
        "dgno train mine.yaml --set steps=2000 --set optim.lr=5e-4",
        "dgno train mine.yaml --resume",
    ),
    "dgno-train": (
        "dgno-train user-stack --dry-run",
        "dgno-train mine.yaml --set steps=2000 --set optim.lr=5e-4",
        "dgno-train mine.yaml --resume",
    ),
    "dgno data": ("dgno data list", "dgno data check bbbc006-w1 BBBC006"),
    "dgno data list": ("dgno data list", "dgno data list bbbc006-w1"),
    "dgno data check": ("dgno data check bbbc006-w1 BBBC006 --planes 2,6,16",),
    "dgno data fetch": ("dgno data fetch bbbc006 -o BBBC006 --planes 6,16 --dry-run",),
    "dgno explain": ("dgno explain trust blurred.tif -o look",),
    "dgno explain maps": (
        "dgno explain maps blurred.tif -o look --scale half --region 0:256,128:384",
    ),
    "dgno explain rank": (
        "dgno explain rank a.tif b.tif -o look --model dgno-cell-small --model dgno-face-small",
    ),
    "dgno explain compare": ("dgno explain compare blurred.tif sharp.tif -o look",),
    "dgno explain lam": ("dgno explain lam blurred.tif -o look --window 120,200,16",),
    "dgno explain trust": ("dgno explain trust stack.tif -o look --plane 3",),
}
FORMATS: dict[str, tuple[str, ...]] = {
    "dgno restore": IMAGES,
    "dgno detect": READ_ONLY,
    **dict.fromkeys(
        (f"dgno explain {name}" for name in ("maps", "rank", "compare", "lam", "trust")), READ_ONLY
    ),
    "dgno convert": ("read:   .pth of the papers' authors", "write:  .safetensors"),
    "dgno train": ("CONFIG.yaml: docs/training.md tells every setting",),
    "dgno-train": ("CONFIG.yaml: docs/training.md tells every setting",),
}


def epilog(command: str) -> str:
    """Return what `--help` says below the options of a command.

    Parameters
    ----------
    command
        As it is typed, such as ``dgno data check``.
    """
    parts = {
        "Examples:": EXAMPLES[command],
        "Formats:": FORMATS.get(command, ()),
        "Exit status:": STATUS,
    }
    # The sign makes the shell's help keep the lines of a paragraph as they are.
    return "\n\n".join(
        "\b\n" + "\n".join([title, *(f"  {line}" for line in lines)])
        for title, lines in parts.items()
        if lines
    )
