"""From forms to solutions: matrices, multigrid, factorizations, PETSc options."""

import importlib
import importlib.util

# The DOLFINx wheel refuses another PETSc in its way when this is imported; conda, Debian and the official images have none.
if importlib.util.find_spec("dolfinx_solver") is not None:
    importlib.import_module("dolfinx_solver")
