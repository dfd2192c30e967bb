"""Meshes: boxes with lines where coefficients jump, files from Gmsh, and where points lie in them."""
