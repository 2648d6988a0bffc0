"""A primary and a standby that streams from it, made from the embedded PostgreSQL's own tools."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.proof.cluster import Cluster, own_cluster, run_as_owner


class Pair:
    """Two servers, and an address that names both: clients go to whichever takes writes."""

    def __init__(self, primary: Cluster, standby: Cluster) -> None:
        self.primary = primary
        self.standby = standby
        hosts = ",".join(str(conninfo_to_dict(each.url)["host"]) for each in (primary, standby))
        self.url = f"postgresql://postgres@/postgres?host={quote(hosts, safe=',')}"

    def cut_the_link(self) -> None:
        """From now on the standby hears nothing: what the primary commits is lost when it is."""
        with psycopg.connect(self.standby.url, autocommit=True) as standby:
            standby.execute("ALTER SYSTEM SET primary_conninfo = ''")
            standby.execute("SELECT pg_reload_conf()")
            while standby.execute("SELECT count(*) FROM pg_stat_wal_receiver").fetchone() != (0,):
                pass

    def fail_over(self) -> None:
        """The primary is gone at once, as by a power cut, and the standby takes over with what it has."""
        self.primary.stop("immediate")
        self.standby.promote()


@contextmanager
def primary_and_standby() -> Iterator[Pair]:
    with own_cluster() as primary:
        directory = Path(tempfile.mkdtemp(prefix="pg-"))
        shutil.chown(directory, primary.directory.owner(), primary.directory.group())
        copy = directory / "data"
        run_as_owner(
            primary.directory,
            "pg_basebackup", "--host", str(primary.directory), "--username", "postgres", "--pgdata", str(copy),
            "--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf",
        )  # fmt: skip
        # Its socket lies beside its data, since the data came with the lock of the primary's socket.
        standby = Cluster(copy, f"postgresql://postgres@/postgres?host={quote(str(directory), safe='')}")
        standby.start("-k", str(directory), "-h", "")
        try:
            yield Pair(primary, standby)
        finally:
            standby.stop()
            shutil.rmtree(directory)
