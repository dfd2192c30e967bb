"""From forms to solutions: matrices, multigrid, factorizations, PETSc options."""
