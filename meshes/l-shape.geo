// The square [-1, 1]² without its quadrant x > 0, y < 0: a re-entrant corner of 3π/2 at the origin.
// Its two edges are the boundary part "corner"; the other four sides are called by where they lie.
// Make the mesh:  gmsh -2 -format msh41 l-shape.geo -o l-shape.msh

h = DefineNumber[0.2, Name "mesh size"];

Point(1) = {0, 0, 0};
Point(2) = {1, 0, 0};
Point(3) = {1, 1, 0};
Point(4) = {-1, 1, 0};
Point(5) = {-1, -1, 0};
Point(6) = {0, -1, 0};
Line(1) = {1, 2};
Line(2) = {2, 3};
Line(3) = {3, 4};
Line(4) = {4, 5};
Line(5) = {5, 6};
Line(6) = {6, 1};
Curve Loop(1) = {1, 2, 3, 4, 5, 6};
Plane Surface(1) = {1};

Physical Surface("domain", 1) = {1};
Physical Curve("corner", 1) = {1, 6};
Physical Curve("right", 2) = {2};
Physical Curve("top", 3) = {3};
Physical Curve("left", 4) = {4};
Physical Curve("bottom", 5) = {5};

Mesh.MeshSizeMin = h;
Mesh.MeshSizeMax = h;
Mesh.RandomSeed = 1;
