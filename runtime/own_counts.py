"""Imported before prometheus_client, which reads the environment then: what this process counts is its own.

Only the workers of `serve` count together, in a folder that was made for them. One that another program left in the
environment would mix its counts with ours, and would end every command where it is gone.
"""

import os
from multiprocessing import current_process

if current_process().name == "MainProcess":  # a worker has its name before it imports anything of ours
    for _name in ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"):  # prometheus_client reads either
        os.environ.pop(_name, None)
