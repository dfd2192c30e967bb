// Periodic cell [0, 1]² with a disc of radius R in the middle: matrix (1) and inclusion (2).
// Opposite sides carry the same nodes, so that periodic functions exist on the mesh.
// Make the mesh:  gmsh -2 -format msh41 inclusion-2d.geo -o inclusion-2d.msh

SetFactory("OpenCASCADE");
R = DefineNumber[0.25, Name "radius"];
h = DefineNumber[0.025, Name "mesh size"];

Rectangle(1) = {0, 0, 0, 1, 1};
Disk(2) = {0.5, 0.5, 0, R};
BooleanFragments{ Surface{1}; Delete; }{ Surface{2}; Delete; }
// Afterwards surface 2 is the disc and surface 3 what is left of the square.

left() = Curve In BoundingBox{-1e-6, -1e-6, -1e-6, 1e-6, 1 + 1e-6, 1e-6};
right() = Curve In BoundingBox{1 - 1e-6, -1e-6, -1e-6, 1 + 1e-6, 1 + 1e-6, 1e-6};
bottom() = Curve In BoundingBox{-1e-6, -1e-6, -1e-6, 1 + 1e-6, 1e-6, 1e-6};
top() = Curve In BoundingBox{-1e-6, 1 - 1e-6, -1e-6, 1 + 1e-6, 1 + 1e-6, 1e-6};
Periodic Curve{right()} = {left()} Translate{1, 0, 0};
Periodic Curve{top()} = {bottom()} Translate{0, 1, 0};

Physical Surface("matrix", 1) = {3};
Physical Surface("inclusion", 2) = {2};

Mesh.MeshSizeMin = h;
Mesh.MeshSizeMax = h;
Mesh.RandomSeed = 1;
