"""Studies: problem files, one run of any problem with its results, tables and figures."""
