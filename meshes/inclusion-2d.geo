// Periodic cell [0, 1]² with a disc of radius R in the middle: matrix (1) and inclusion (2).
// Opposite sides carry the same nodes, so that periodic functions exist on the mesh; second-order cells follow the circle.
// Make the mesh:  gmsh -2 -format msh41 inclusion-2d.geo -o inclusion-2d.msh

SetFactory("OpenCASCADE");
R = DefineNumber[0.25, Name "radius"];
h = DefineNumber[0.06, Name "mesh size"];

Rectangle(1) = {0, 0, 0, 1, 1};
Disk(2) = {0.5, 0.5, 0, R};
BooleanFragments{ Surface{1}; Delete; }{ Surface{2}; Delete; }
// Afterwards surface 2 is the disc and surface 3 what is left of the square.

e = 1e-6;
left() = Curve In BoundingBox{-e, -e, -e, e, 1 + e, e};
right() = Curve In BoundingBox{1 - e, -e, -e, 1 + e, 1 + e, e};
bottom() = Curve In BoundingBox{-e, -e, -e, 1 + e, e, e};
top() = Curve In BoundingBox{-e, 1 - e, -e, 1 + e, 1 + e, e};
Periodic Curve{right()} = {left()} Translate{1, 0, 0};
Periodic Curve{top()} = {bottom()} Translate{0, 1, 0};

Physical Surface("matrix", 1) = {3};
Physical Surface("inclusion", 2) = {2};

Mesh.MeshSizeMin = h;
Mesh.MeshSizeMax = h;
Mesh.ElementOrder = 2;
Mesh.RandomSeed = 1;
