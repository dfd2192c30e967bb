#!/bin/sh
# A sweep as a job array: 16 jobs share one folder, each has a sixteenth of the runs. Submit it: sbatch examples/studies/slurm.sh
# A job that is killed or runs out of time goes on where it was when it is submitted again; the last one to end has the whole table.
#SBATCH --job-name=hybrid-sweep
#SBATCH --array=1-16
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=1
#SBATCH --time=04:00:00

export OMP_NUM_THREADS=1
export HYBRID_CACHE="$PWD/references"     # a folder that all nodes see, as the sweep's own has to be
srun hybrid sweep examples/studies/eps-2d.toml --out results/eps-2d --shard "${SLURM_ARRAY_TASK_ID}/16"
