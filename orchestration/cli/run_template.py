"""The process that the code server forks runs from: Dagster and the definitions are loaded in it.

multiprocessing imports this module in its fork server, before the first fork. Keep out: what runs do, and whatever a
fork cannot share, such as threads and connections.
"""

import os
import signal
from functools import partial

from orchestration.definitions import defs

defs.get_repository_def().get_all_jobs()
# A SIGTERM goes to the whole group. The runs answer it, and the code server learns from this process how they ended, so
# it must not end before them. It ends by itself after the last one and the code server.
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.register_at_fork(after_in_child=partial(signal.signal, signal.SIGTERM, signal.SIG_DFL))
