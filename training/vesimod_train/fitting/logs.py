"""What a run writes for people: the log as CSV, curves, and TensorBoard where it is installed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from vesimod.figures.canvas import new_figure, save
from vesimod.io.csv_table import read_table, write_table

LOG = "log.csv"


@dataclass(frozen=True)
class Row:
    """A line of the log: means since the line before, and validation at its step."""

    step: int
    loss: float
    validation_f1: float
    learning_rate: float
    dice: float
    validation_dice: float
    validation_loss: float


def append(path: Path, row: Row) -> None:
    """Append a line to the log; steps that a cut-off run had logged already are replaced."""
    rows = []
    if path.exists():
        rows = [old for old in read_table(path).rows if int(old["step"]) < row.step]
    rows.append({name: f"{value:.6g}" for name, value in asdict(row).items()})
    names = list(asdict(row))
    write_table(path, names, ([each.get(name, "") for name in names] for each in rows))


def to_tensorboard(folder: Path, row: Row) -> None:
    """Add a line of the log to TensorBoard's files in `folder`, if TensorBoard is installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return
    with SummaryWriter(str(folder), purge_step=row.step) as writer:
        for name, value in asdict(row).items():
            if name != "step":
                writer.add_scalar(name, value, row.step)


def draw_curves(log: Path, picture: Path) -> None:
    """Draw loss, Dice and F1 of training and validation against the step.

    Parameters
    ----------
    log : Path
        From `append`.
    picture : Path
        PNG to write; an existing file is replaced.

    Raises
    ------
    MissingPackageError
        matplotlib is not installed.
    """
    figure = new_figure(9, 3.6)
    rows = read_table(log).rows
    losses, shares = figure.subplots(1, 2)
    for axes, name, label, style in (
        (losses, "loss", "training", "C0-"),
        (losses, "validation_loss", "validation", "C1-"),
        (shares, "dice", "Dice, training", "C0-"),
        (shares, "validation_dice", "Dice, validation", "C1-"),
        (shares, "validation_f1", "F1 of vesicles, validation", "C2--"),
    ):
        known = [(int(row["step"]), float(row[name])) for row in rows if row.get(name)]
        axes.plot(*zip(*known, strict=True), style, label=label) if known else None
    losses.set(xlabel="step", ylabel="loss")
    shares.set(xlabel="step", ylabel="Dice, F1", ylim=(0, 1))
    for axes in (losses, shares):
        axes.legend()
    save(figure, picture)
