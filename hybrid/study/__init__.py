"""Studies: the cases of the paper, problem files, one run with its results, tables and figures."""
