"""Every setting of a grid on one case: exact ranks, all metrics, for little more than the matrix products.

    from workbench.sweep import grid, sweep

    settings = grid("pdv_f", alpha_image=np.linspace(0, 2, 21), alpha_text=np.linspace(0, 2, 21), beta=np.linspace(0, 1, 11))
    frame = sweep(settings, case)        # one row per setting and metric
    ranks(settings, case)["default"]     # (P, Q, T): for tests between settings, per query

What goes on inside follows from the methods; the caller need not know. Linear methods share the similarities of a
block of pictures, and settings that stand on lines in weight space are counted line by line (`kernels.halfline`);
other methods are scored block by block of queries.
"""

from workbench.sweep.axes import axis_values
from workbench.sweep.blocks import ranks
from workbench.sweep.frame import sweep
from workbench.sweep.grids import grid

__all__ = ["axis_values", "grid", "ranks", "sweep"]
