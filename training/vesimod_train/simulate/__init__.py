"""Simulated tomograms with known vesicles.

A `recipe` says what varies, `cell` fills a cell with `content` made of `shapes`, `microscope`
images it through a series of `tilts`, and `tomogram` does all that and writes the result.
"""

from vesimod_train.simulate.recipe import RECIPES, Recipe
from vesimod_train.simulate.tomogram import SimulatedTomogram, simulate, write_simulated

__all__ = ["RECIPES", "Recipe", "SimulatedTomogram", "simulate", "write_simulated"]
