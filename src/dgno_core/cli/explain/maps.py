"""`dgno explain maps`: what one operator of a network does to an image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dgno_core.cli.explain import options as opt
from dgno_core.cli.explain.region import parse_plane, parse_region
from dgno_core.cli.explain.results import result_folder
from dgno_core.cli.models import check_model_folder
from dgno_core.cli.threads import Threads

if TYPE_CHECKING:
    from dgno_core.interpretation.faces import Faces


def maps(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="An image, or a zarr store.")],
    output: opt.Out,
    model: opt.Model = "auto",
    scale: Annotated[
        Literal["quarter", "half", "full"], typer.Option(help="Size of the operator's image.")
    ] = "half",
    iteration: Annotated[int, typer.Option(help="Which operator of that size, from 0.")] = 0,
    head: Annotated[
        int | None, typer.Option(help="Only this head, from 0; by default all together.")
    ] = None,
    dimension: Annotated[
        int | None, typer.Option(help="Only this dimension of the head, with its sign.")
    ] = None,
    region: opt.Region = None,
    plane: opt.Plane = None,
    axes: opt.Axes = None,
    device: opt.Device = "auto",
    normalise: opt.Normalise = "stack",
    model_folder: opt.ModelFolder = None,
    threads: Threads = 0,
    overwrite: opt.Overwrite = False,
) -> None:
    """See one operator of a DGNO network at work.

    Writes its basis functions, latent and flux as TIFFs, the faces between its elements as a
    table, and a picture of all with legends. Each TIFF has a record beside it that says where in
    the image its pixels lie (scale, translate).
    """
    check_model_folder(model_folder)
    where, at = parse_region(region), parse_plane(plane)
    from dgno_core.inference import Restorer
    from dgno_core.interpretation.operator_figure import draw_operator
    from dgno_core.interpretation.operator_maps import MAPS, operator_maps
    from dgno_core.interpretation.operator_words import suffix
    from dgno_core.interpretation.record import command_line, describe_analysis, write_map
    from dgno_core.interpretation.view import read_view
    from dgno_core.io import read_image

    start, end = f"{scale}-{iteration}-", suffix(head, dimension)
    table, picture = f"{start}faces{end}.csv", f"{start}maps{end}.png"
    tiffs = [f"{start}{name}{end}.tif" for name in MAPS]
    names = [*tiffs, *(f"{tiff}.json" for tiff in tiffs), table, picture]
    with result_folder(output, names, overwrite=overwrite) as folder:
        source = read_image(image, axes)
        restorer = Restorer(
            model, axes=axes, device=device, normalise=normalise, model_folder=model_folder
        )
        view = read_view(source, restorer, at, where)
        shown = operator_maps(view, scale, iteration)
        choice: dict[str, Any] = {
            "scale": scale, "iteration": iteration, "head": head, "dimension": dimension,
            "region": region, "plane": plane,
        }  # fmt: skip
        options = choice | {
            "model": view.network.name, "axes": axes, "device": view.network.device,
            "normalise": normalise, "model-folder": model_folder, "output": output,
        }  # fmt: skip
        command = command_line("maps", [image], options)
        for name, tiff in zip(MAPS, tiffs, strict=True):
            one = shown.map(name, head, dimension)
            said = {
                "operator": choice,
                "map": {
                    "title": one.title, "legend": one.legend, "unit": one.unit,
                    "scale": one.scale, "translate": one.translate,
                },
            }  # fmt: skip
            record = describe_analysis(source, view.network, restorer.config, said, command)
            write_map(folder / tiff, one.data, source, record, one.scale)
        write_faces(folder / table, shown.faces(head))
        figure = draw_operator(view, shown, head, dimension)
        figure.savefig(folder / picture, metadata={"Software": None})
    typer.echo(output / picture)


def write_faces(path: Path, faces: Faces) -> None:
    """Write faces as a table, their ends in pixels of the image."""
    lines = ["start_row,start_column,end_row,end_column,flux,jump,is_boundary"]
    for start, end, flux, jump, border in zip(
        faces.start.tolist(), faces.end.tolist(), faces.flux.tolist(), faces.jump.tolist(),
        faces.is_boundary.tolist(), strict=True,
    ):  # fmt: skip
        lines.append(",".join(f"{x:.6g}" for x in (*start, *end, flux, jump)) + f",{border:d}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
