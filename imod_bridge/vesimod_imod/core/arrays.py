"""Types of arrays, once for all packages."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Volume = npt.NDArray[np.float32]  # (z, y, x)
Labels = npt.NDArray[np.int32]  # (z, y, x): 0 background, else an instance
Triple = tuple[float, float, float]  # (z, y, x)
