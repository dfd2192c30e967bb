#!/bin/sh
# install.sh VENV REQUIREMENTS: a virtual environment with the pinned packages that running `hybrid` needs.
# Used by the Dockerfile. TORCH (environment): what pip is given in place of the pinned torch.
set -eu

venv=$1
requirements=$2

# Not needed to run: the tools of `make test`; triton (0.9 GB), which compiles for GPUs; and Gmsh, which comes to 0.3 GB
# with the OpenGL and X11 libraries it is linked against. torch's nvidia-* packages have to stay: torch is linked
# against them.
leave_out="ast-serialize hypothesis iniconfig librt mypy mypy-extensions pathspec pluggy pytest ruff sortedcontainers"
leave_out="$leave_out gmsh triton"

chosen=$(mktemp)
trap 'rm -f "$chosen"' EXIT
# An entry is the line "name==version \" and the indented lines of its hashes.
awk -v out=" $leave_out " -v torch="${TORCH:-}" '
  /^[A-Za-z0-9]/ {
    name = $1
    sub(/==.*/, "", name)
    keep = !index(out, " " name " ") && !(torch != "" && name ~ /^(torch|nvidia-.*|cuda-.*)$/)
  }
  keep
' "$requirements" >"$chosen"

python3 -m venv "$venv"
# --no-deps: the file names every package, and pip would fetch those left out.
"$venv/bin/pip" install --quiet --no-cache-dir --no-deps --require-hashes --requirement "$chosen"
if [ -n "${TORCH:-}" ]; then
  # shellcheck disable=SC2086 # several words: options, then the package
  "$venv/bin/pip" install --quiet --no-cache-dir $TORCH
fi

# A torch of the user's choice that does not work, or a base without a library, should show here and not in a run.
"$venv/bin/python" -c '
import dolfinx_solver, dolfinx, torch
print("DOLFINx", dolfinx.__version__, "torch", torch.__version__)'
