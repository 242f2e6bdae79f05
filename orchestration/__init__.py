"""The asset factory of a personalised-merchandise company, run by Dagster."""

import os

# Before numpy and its like are loaded: their arrays are small here, and their threads would spin for work beside ours,
# which costs a picture or a turn of a shirt as much CPU again as its own work, and saves no time.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # noqa: TID251 - it is read by those libraries, not by us
