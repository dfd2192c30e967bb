// Periodic cell [0, 1]³ with a sphere of radius R in the middle: matrix (1) and inclusion (2).
// Opposite faces carry the same nodes, so that periodic functions exist on the mesh; second-order cells follow the sphere.
// Make the mesh:  gmsh -3 -format msh41 inclusion-3d.geo -o inclusion-3d.msh

SetFactory("OpenCASCADE");
R = DefineNumber[0.25, Name "radius"];
h = DefineNumber[0.055, Name "mesh size on the sphere"];
H = DefineNumber[0.25, Name "mesh size away from it"];

Box(1) = {0, 0, 0, 1, 1, 1};
Sphere(2) = {0.5, 0.5, 0.5, R};
BooleanFragments{ Volume{1}; Delete; }{ Volume{2}; Delete; }
// Afterwards volume 2 is the sphere, with the surface 7, and volume 3 what is left of the cube.

e = 1e-6;
low_x() = Surface In BoundingBox{-e, -e, -e, e, 1 + e, 1 + e};
low_y() = Surface In BoundingBox{-e, -e, -e, 1 + e, e, 1 + e};
low_z() = Surface In BoundingBox{-e, -e, -e, 1 + e, 1 + e, e};
high_x() = Surface In BoundingBox{1 - e, -e, -e, 1 + e, 1 + e, 1 + e};
high_y() = Surface In BoundingBox{-e, 1 - e, -e, 1 + e, 1 + e, 1 + e};
high_z() = Surface In BoundingBox{-e, -e, 1 - e, 1 + e, 1 + e, 1 + e};
Periodic Surface{high_x()} = {low_x()} Translate{1, 0, 0};
Periodic Surface{high_y()} = {low_y()} Translate{0, 1, 0};
Periodic Surface{high_z()} = {low_z()} Translate{0, 0, 1};

Physical Volume("matrix", 1) = {3};
Physical Volume("inclusion", 2) = {2};

// Small cells where they have to follow the sphere (its volume comes out 5e-5 too small), large ones elsewhere.
Field[1] = Distance;
Field[1].SurfacesList = {7};
Field[1].Sampling = 40;
Field[2] = Threshold;
Field[2].InField = 1;
Field[2].SizeMin = h;
Field[2].SizeMax = H;
Field[2].DistMin = 0;
Field[2].DistMax = 0.25;
Background Field = 2;
Mesh.MeshSizeFromPoints = 0;
Mesh.MeshSizeExtendFromBoundary = 0;
Mesh.ElementOrder = 2;
Mesh.HighOrderOptimize = 1; // no cell turned inside out by its curvature,
Mesh.HighOrderFixBoundaryNodes = 1; // and faces that match
Mesh.RandomSeed = 1;
