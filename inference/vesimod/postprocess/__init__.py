"""From a network's probability map to spheres: the paper's post-processing, a module a step."""

from vesimod.postprocess.candidates import Candidates
from vesimod.postprocess.chain import find_spheres

__all__ = ["Candidates", "find_spheres"]
