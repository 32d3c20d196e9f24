"""Simulated tomograms with known vesicles: `content` fills a cell, `microscope` images it."""

from vesimod_train.simulate.recipe import (
    RECIPES,
    Recipe,
    SimulatedTomogram,
    simulate,
    write_simulated,
)

__all__ = ["RECIPES", "Recipe", "SimulatedTomogram", "simulate", "write_simulated"]
