"""The asset factory of a personalised-merchandise company, run by Dagster."""

import os

# Before numpy is loaded: its matrices are small here, and its threads would spin for work beside them, which costs a
# command that draws one picture as much CPU again as its own work.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # noqa: TID251 - it is read by numpy, not by us
