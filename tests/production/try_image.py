"""`make try-image`: docs/operations/Containerfile is built by buildah and run by podman, read-only and as nobody.

Neither needs a daemon. The base is not pulled but made by debootstrap, since this must work without a registry; the
Containerfile's own base stays what it names. Needs root and Debian's buildah, podman, crun and debootstrap.
"""

import contextlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from runtime.embedded_postgres import embedded_postgres
from tests.conftest import JWT_SECRET, STRIPE, WEBHOOK_SECRET
from tests.e2e.processes import HTTP, ROOT, Shell, shell
from tests.e2e.shop import Customer, pay
from tests.ports import free_ports
from tests.production.machine import PASSED_ON, SUITE

BASE, IMAGE = "localhost/paygraph-base", "localhost/paygraph-tried"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
NOBODY = "65534:65534"
LONGEST_END, PATIENCE = 25.0, 300.0  # seconds; without overlays each container copies the image first
NAME = "paygraph-tried"
SECOND_TREE = Path("/sys/fs/cgroup/unified")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Engine:
    """buildah and podman over one store of their own."""

    def __init__(self, folder: Path) -> None:
        self._store = [
            "--root",
            str(folder / "store"),
            "--runroot",
            str(folder / "run"),
            "--storage-driver",
            "vfs",
        ]

    def buildah(self, *words: str, quiet: bool = False) -> str:
        out = subprocess.PIPE if quiet else None
        done = subprocess.run(["buildah", *self._store, *words], check=True, stdout=out, text=True)
        return (done.stdout or "").strip()

    def podman(self, *words: str) -> list[str]:
        return ["podman", *self._store, *words]


def make_base(engine: Engine, folder: Path) -> None:
    root = folder / "base"
    if not root.exists():
        packages = "--include=python3,python3-venv,ca-certificates"
        subprocess.run(["debootstrap", "--variant=minbase", packages, SUITE, root], check=True)
        shutil.copy(CERTIFICATES, root / "etc/ssl/certs/")  # of this machine's package index
    container = engine.buildah("from", "scratch", quiet=True)
    engine.buildah("copy", "--quiet", container, f"{root}/", "/")
    engine.buildah("config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin", container)
    engine.buildah("commit", "--quiet", "--rm", container, BASE)


def build(engine: Engine) -> None:
    passed = [
        word for name in PASSED_ON if name in os.environ for word in ("--env", f"{name}={os.environ[name]}")
    ]
    began = time.monotonic()
    engine.buildah(
        *("bud", "--quiet", "--isolation", "chroot", "--pull-never", "--build-arg", f"BASE={BASE}", *passed),
        *("--file", "docs/operations/Containerfile", "--tag", IMAGE, str(ROOT)),
    )
    say(f"built in {time.monotonic() - began:.0f} s")


class Container:
    """`podman run` of the image: read-only but for /tmp, as nobody, with no capability, on this machine's network."""

    def __init__(self, engine: Engine, settings: dict[str, str], socket_folder: Path) -> None:
        self._engine = engine
        # Podman asks for more than some machines give.
        _, open_files = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._options = [
            *(
                "run",
                "--rm",
                "--read-only",
                "--read-only-tmpfs=false",
                "--tmpfs",
                "/tmp:rw,size=16m,mode=1777",
            ),
            *("--user", NOBODY, "--cap-drop", "all", "--security-opt", "no-new-privileges"),
            *(
                "--network",
                "host",
                "--cgroups",
                "disabled",
                "--ulimit",
                f"nofile={open_files}:{open_files}",
                "--ulimit",
                "nproc=4096:4096",
                "--volume",
                f"{socket_folder}:{socket_folder}",
            ),
            *(word for name, value in settings.items() for word in ("--env", f"{name}={value}")),
        ]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = self._engine.podman(*self._options, IMAGE, *words)
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._engine.podman(*self._options, "--name", name, IMAGE, *words))

    def beside(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command of the program in a container that runs; a new one would copy the image once more."""
        command = self._engine.podman("exec", name, ".venv/bin/python", "main.py", *words)
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def stop(self, name: str) -> None:
        subprocess.run(
            self._engine.podman("stop", "--time", "30", name), check=True, stdout=subprocess.DEVNULL
        )


def must(done: subprocess.CompletedProcess[str], code: int = 0) -> str:
    assert done.returncode == code, (
        f"{done.args[-2:]} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    )
    return done.stdout.strip()


def serve(container: Container, settings: dict[str, str]) -> None:
    """An order is paid at the container, which then ends in time."""
    url, stripe_url = f"http://127.0.0.1:{settings['PORT']}", settings["STRIPE_API_BASE"]
    server = container.start(NAME, "serve")
    wait_for(f"{url}/readyz")
    say(f"serve: {HTTP.get(f'{url}/readyz').json()}")
    say(must(container.beside(NAME, "doctor")))
    say(f"reconcile: {must(container.beside(NAME, 'reconcile'))}")
    told = container.beside(NAME, "demo")
    assert (told.returncode, "make run" in told.stderr) == (1, True), told.stderr
    say(f"demo: {told.stderr.strip()}")
    [line] = must(container.beside(NAME, "seed", "--orders", "1")).splitlines()
    order, token = line.split(" ")
    customer = Customer(url, token)
    pay(stripe_url, STRIPE.publishable_key, customer.payment_intent(order))
    customer.is_told(order, "PAID")
    began = time.monotonic()
    container.stop(NAME)
    code = server.wait()
    seconds = time.monotonic() - began
    assert seconds < LONGEST_END, seconds
    say(f"an order was paid; ended by SIGTERM in {seconds:.1f} s with code {code}")


def wait_for(address: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if HTTP.get(address).status_code == 200:
                return
        time.sleep(0.2)
    raise AssertionError(f"{address} did not answer with 200")


def try_out(engine: Engine, sh: Shell, url: str) -> None:
    port, stripe_port = free_ports(), free_ports()
    settings = {
        "DATABASE_URL": url,
        "STRIPE_SECRET_KEY": STRIPE.secret_keys[0],
        "STRIPE_PUBLISHABLE_KEY": STRIPE.publishable_key,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STRIPE_API_BASE": f"http://127.0.0.1:{stripe_port}",
        "JWT_SECRET": JWT_SECRET,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WORKERS": "2",
    }
    hook = f"http://127.0.0.1:{port}/webhooks/stripe"
    sandbox = sh.start("sandbox", "--port", str(stripe_port), "--webhook-url", hook, **settings)
    sandbox.answers(f"http://127.0.0.1:{stripe_port}/_sandbox/journal")
    socket_folder = Path(url.partition("host=")[2].partition("&")[0].replace("%2F", "/"))
    socket_folder.chmod(0o755)  # the container is nobody
    container = Container(engine, settings, socket_folder)
    say(f"migrate: {must(container.run('migrate')) or 'done'}")
    serve(container, settings)


def without_a_second_cgroup_tree() -> None:
    """Where both versions of cgroups are mounted crun starts nothing: begin again in a view of the mounts with one."""
    if not SECOND_TREE.is_mount():
        return
    words = [sys.executable, "-m", "tests.production.try_image", *sys.argv[1:]]
    script = f'umount {SECOND_TREE} && exec "$0" "$@"'
    os.execvp("unshare", ["unshare", "--mount", "sh", "-c", script, *words])  # noqa: S606  a fixed command


def main() -> None:
    without_a_second_cgroup_tree()
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    engine = Engine(folder)
    if "--built" not in sys.argv:  # as the last run left it
        make_base(engine, folder)
        build(engine)
    with tempfile.TemporaryDirectory() as name, shell(Path(name)) as sh, embedded_postgres() as url:
        try_out(engine, sh, url)


if __name__ == "__main__":
    main()
