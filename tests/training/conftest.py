"""Training needs torch; without it its tests are skipped."""

import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'vesimod[train]'")
