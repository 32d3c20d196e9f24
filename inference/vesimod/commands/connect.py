"""``vesimod connect``: connectors between vesicles, and tethers to the active zone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesimod.commands.options import (
    Device,
    DeviceChoice,
    Invert,
    MemoryGB,
    Overwrite,
    Quiet,
    Threads,
    TomogramArgument,
    VoxelSize,
)

if TYPE_CHECKING:
    from vesimod.connectors.result import Connections

ActiveZone = Annotated[
    Path | None,
    typer.Option(
        metavar="MOD|MRC",
        help="Contours along its membrane (open), or around it (closed), or a mask volume.",
    ),
]
Region = Annotated[
    Path | None,
    typer.Option(
        metavar="MOD|MRC", help="The cytoplasm: closed contours, or a mask; others are nowhere."
    ),
]
Thresholds = Annotated[
    tuple[float, float, int] | None,
    typer.Option(
        metavar="FIRST LAST N",
        help="N values, from the densest; default: 15 by mean and SD of the region.",
    ),
]


def connect(
    tomogram: TomogramArgument,
    vesicles: Annotated[
        Path, typer.Argument(help="Its vesicles: .mod, .csv or label .mrc, also Pyto's.")
    ],
    active_zone: ActiveZone = None,
    region: Region = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="MOD", help="Default: <stem>_connectors.mod"),
    ] = None,
    table: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Default: the output's name with .csv")
    ] = None,
    refused: Annotated[
        Path | None, typer.Option(metavar="CSV", help="What was refused, with the reason.")
    ] = None,
    vesicle_table: Annotated[
        Path | None, typer.Option(metavar="CSV", help="How each vesicle is linked.")
    ] = None,
    layers: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Layers by distance to the active zone.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="MRC", help="A label volume of what was found.")
    ] = None,
    thresholds: Thresholds = None,
    volume_nm3: Annotated[
        float, typer.Option(metavar="F", help="Connectors are smaller than this.")
    ] = 2650.0,
    min_voxels: Annotated[
        int, typer.Option(metavar="N", min=1, help="They have at least so many voxels.")
    ] = 3,
    dilate_nm: Annotated[
        float, typer.Option(metavar="F", min=0.0, help="Dilate vesicles and active zone by this.")
    ] = 0.0,
    az_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Object of its model; needed if several.")
    ] = None,
    az_thickness_nm: Annotated[
        float, typer.Option(metavar="F", min=1.0, help="Of the membrane on open contours.")
    ] = 7.0,
    layer_nm: Annotated[
        float | None, typer.Option(metavar="F", help="Thickness of layers; default: a voxel.")
    ] = None,
    cluster_nm: Annotated[
        float, typer.Option(metavar="F", help="Vesicles this near make a cluster by distance.")
    ] = 15.0,
    network: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE.onnx",
            help="Trace in what this network sees, not in grey values: `connectors`.",
        ),
    ] = None,
    smooth_nm: Annotated[
        float,
        typer.Option(metavar="F", min=0.0, help="Filter by a Gaussian of this sigma first."),
    ] = 0.0,
    compatible: Annotated[
        bool, typer.Option("--compatible", help="Seek in the box of all boundaries, like Pyto.")
    ] = False,
    voxel_size_nm: VoxelSize = None,
    device: Device = DeviceChoice.auto,
    threads: Threads = None,
    memory_gb: MemoryGB = None,
    invert: Invert = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Find connectors between vesicles and tethers to the active zone, and measure them.

    Their numbers compare groups of tomograms that were treated alike; they are not absolute.
    """
    from vesimod.commands import console
    from vesimod.commands.segmenting import NetworkChoice, describe, start_network
    from vesimod.connectors.find import ConnectSettings
    from vesimod.connectors.select import VolumeLimits
    from vesimod.connectors.thresholds import evenly_spaced
    from vesimod.runs.connect_file import ConnectInputs, ConnectOutputs, connect_file
    from vesimod.runs.outputs import stem

    volume = console.open_tomogram(tomogram, voxel_size_nm, quiet)
    output = output or tomogram.with_name(f"{stem(tomogram)}_connectors.mod")
    table = table or output.with_suffix(".csv")
    inputs = ConnectInputs(vesicles, active_zone, region, az_name, az_thickness_nm, dilate_nm)
    outputs = ConnectOutputs(output, table, refused, vesicle_table, layers, labels)
    settings = ConnectSettings(
        None if thresholds is None else evenly_spaced(*thresholds),
        VolumeLimits(min_voxels, volume_nm3),
        invert,
        compatible,
        layer_nm,
        cluster_nm,
        smooth_nm,
    )
    model = None
    if network is not None:
        model = start_network(NetworkChoice(network, device.value, threads, memory_gb))
        if not quiet:
            console.say(describe(model.spec.name, model.providers))
    with console.progress(quiet) as report:
        found = connect_file(
            volume,
            inputs,
            outputs,
            settings,
            network=model,
            overwrite=overwrite,
            progress=report,
        )
    for note in found.notes:
        console.warn(note)
    if not quiet:
        _tell(found, "grey values" if model is None else "the network's log odds")
        for path in outputs.files():
            console.say(f"wrote {path}")
        console.suggest_3dmod(tomogram, output)


def _tell(found: Connections, sought_in: str) -> None:
    """Say what was found, and what it is worth."""
    from vesimod.commands import console
    from vesimod.connectors.result import CONNECTOR, NOT_ABSOLUTE, TETHER

    steps = found.thresholds
    console.say(
        f"region: grey value {found.mean:.4g} +- {found.sd:.4g}; {len(steps)} thresholds on "
        f"{sought_in} from {steps[0]:.6g} to {steps[-1]:.6g} (`thresholds` states them for other "
        "tomograms)"
    )
    for kind in (TETHER, CONNECTOR):
        each = found.of_kind(kind)
        ways = [one.features.course for one in each]
        lengths = sorted(way.length_nm for way in ways if way is not None)
        name = kind if len(each) == 1 else f"{kind}s"
        words = f", median length {lengths[len(lengths) // 2]:.1f} nm" if lengths else ""
        console.say(f"{len(each)} {name}{words}")
    linked = sum(vesicle.connectors > 0 for vesicle in found.vesicles)
    tethered = sum(vesicle.tethers > 0 for vesicle in found.vesicles)
    clusters = len({vesicle.cluster for vesicle in found.vesicles if vesicle.connectors})
    console.say(
        f"{len(found.vesicles)} vesicles: {linked} connected, in {clusters} clusters; {tethered} "
        f"tethered; {len(found.refused)} candidates refused"
    )
    console.say(f"note: {NOT_ABSOLUTE}")
