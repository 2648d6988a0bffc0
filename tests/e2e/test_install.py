"""What `make run` and `make setup` install with: uv where it can, pip where it must, and nothing but Python needed."""

import base64
import hashlib
import os
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.e2e.processes import PATIENCE, ROOT, eventually, shell

# What people have in their shells for other work.
ELSEWHERE = {
    "PIP_USER": "1",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PIP_TARGET": "/nonexistent",
    "PYTHONPATH": "/nonexistent",
}
UV = '#!/bin/sh\necho "$@" >> "$UV_CALLS"\nexit {code}\n'


class Checkout:
    """A folder with the installer and two locks: of a package `hello`, and of a `uv` that notes how it is called."""

    def __init__(self, folder: Path, uv: str | None = None) -> None:
        self.folder, self.calls, self.wheels = folder, folder / "calls", folder / "wheels"
        (folder / ".ci").mkdir(parents=True)
        self.wheels.mkdir()
        shutil.copy(ROOT / ".ci" / "install.py", folder / ".ci")
        self._lock("requirements-hello.txt", "hello", {"hello.py": "told = 7\n"})
        script = uv or UV.format(code=0)
        self._lock("requirements-installer.txt", "uv", {"uv-1.0.data/scripts/uv": script})

    def install(
        self, *python: str, into: str | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        known = {
            name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "XDG_"))
        }
        where = ("--into", into) if into else ()
        given = {**known, "PATH": "/usr/bin:/bin", "UV_CALLS": str(self.calls), "PIP_CONFIG_FILE": os.devnull}
        return subprocess.run(  # noqa: S603  the installer
            [*(python or (sys.executable,)), ".ci/install.py", *where, "requirements-hello.txt"],
            cwd=self.folder,
            env={**given, **ELSEWHERE, **variables},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def asked_of_uv(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def has(self, module: str, into: str = ".venv") -> bool:
        python = self.folder / into / "bin" / "python"
        command = [str(python), "-c", f"import {module}"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603

    def _lock(self, lock: str, name: str, files: dict[str, str]) -> None:
        """A wheel, and a lock that finds it in its folder and nowhere else."""
        wheel = self.wheels / f"{name}-1.0-py3-none-any.whl"
        info = f"{name}-1.0.dist-info"
        files = {
            **files,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: here\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        with zipfile.ZipFile(wheel, "w") as packed:
            record = ""
            for path, text in files.items():
                entry = zipfile.ZipInfo(path)
                entry.external_attr = 0o100755 << 16
                packed.writestr(entry, text)
                digest = (
                    base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
                )
                record += f"{path},sha256={digest},{len(text)}\n"
            packed.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        (self.folder / lock).write_text(
            f"--no-index\n--find-links {self.wheels.as_uri()}\n{name}==1.0 --hash=sha256:{digest}\n"
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "Mein Läden")


def test_pip_brings_a_uv_of_the_lock_once_and_that_installs(checkout: Checkout) -> None:
    done = checkout.install()
    assert done.returncode == 0, done.stderr
    [call] = checkout.asked_of_uv()
    assert " --no-cache " not in call
    assert call.startswith("pip install --python ")
    assert call.endswith("--quiet --require-hashes --no-deps -r requirements-hello.txt")
    shutil.rmtree(checkout.wheels)  # the second time it is there
    assert checkout.install().returncode == 0
    assert len(checkout.asked_of_uv()) == 2


def test_a_uv_of_this_machine_is_used(checkout: Checkout, tmp_path: Path) -> None:
    known = tmp_path / "uv"
    known.write_text(UV.format(code=0))
    known.chmod(0o755)
    assert checkout.install(PATH=f"{tmp_path}:/usr/bin:/bin").returncode == 0
    assert len(checkout.asked_of_uv()) == 1
    assert not (checkout.folder / ".venv" / "installer").exists()


def test_another_environment_gets_what_is_meant_for_it_by_the_same_uv(checkout: Checkout) -> None:
    assert checkout.install(into="tests/theirs/.venv").returncode == 0
    assert checkout.install(into="tests/others/.venv").returncode == 0
    for name, call in zip(("theirs", "others"), checkout.asked_of_uv(), strict=True):
        assert call.startswith(f"pip install --python {checkout.folder}/tests/{name}/.venv/bin/python ")
    assert not list(checkout.folder.glob("tests/*/.venv/installer"))

    assert checkout.install(into="tests/theirs/.venv", PIP_PROXY="http://127.0.0.1:9").returncode == 0
    assert checkout.has("hello", into="tests/theirs/.venv")
    assert not checkout.has("hello", into="tests/others/.venv")


def test_a_user_whose_home_is_read_only_needs_no_cache(checkout: Checkout) -> None:
    assert checkout.install(HOME="/dev/null").returncode == 0
    assert [" --no-cache " in call for call in checkout.asked_of_uv()] == [True]


@pytest.mark.parametrize("told", ["PIP_INDEX_URL", "PIP_PROXY"])
def test_pip_installs_where_it_has_an_index_or_a_proxy_of_its_own(checkout: Checkout, told: str) -> None:
    done = checkout.install(**{told: "http://127.0.0.1:9"})
    assert (done.returncode, checkout.asked_of_uv()) == (0, []), done.stderr
    assert checkout.has("hello")


def test_pip_installs_where_uv_fails(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "checkout", uv=UV.format(code=2))
    done = checkout.install()
    assert done.returncode == 0
    assert "pip tries it now" in done.stderr
    assert checkout.has("hello")


def test_another_file_than_the_locks_is_refused(checkout: Checkout) -> None:
    with zipfile.ZipFile(checkout.wheels / "hello-1.0-py3-none-any.whl", "a") as wheel:
        wheel.writestr("more.py", "")
    done = checkout.install(PIP_PROXY="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "HASHES" in done.stderr
    assert not checkout.has("hello")


def test_an_environment_whose_python_is_gone_is_made_anew(checkout: Checkout) -> None:
    binaries = checkout.folder / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "python").symlink_to("/nonexistent/python3.9")
    assert checkout.install(PIP_PROXY="http://127.0.0.1:9").returncode == 0
    assert checkout.has("hello")


def test_a_python_without_pip_is_given_one(checkout: Checkout, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)  # noqa: S603
    done = checkout.install(str(tmp_path / "bare" / "bin" / "python"), PIP_PROXY="http://127.0.0.1:9")
    assert done.returncode == 0, done.stderr
    assert checkout.has("hello")


def test_a_python_with_neither_pip_nor_ensurepip_says_what_to_install(checkout: Checkout) -> None:
    debians = "import runpy, sys; sys.modules.update(pip=None, ensurepip=None); "
    debians += "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    done = checkout.install(sys.executable, "-c", debians)
    assert done.returncode == 1
    assert "apt install python3-venv" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_older_python_is_told_so_before_it_reads_what_it_cant(checkout: Checkout) -> None:
    older = "import runpy, sys; sys.version_info = (3, 8, 18); sys.argv = sys.argv[1:]; "
    done = checkout.install(sys.executable, "-c", older + "runpy.run_path(sys.argv[0], run_name='__main__')")
    assert done.returncode == 1
    assert done.stderr.startswith("Paygraph needs Python 3.11 or newer, and this is ")
    assert not (checkout.folder / ".venv").exists()


def test_a_folder_that_cant_be_written_is_told_in_a_sentence(checkout: Checkout) -> None:
    (checkout.folder / ".venv").touch()
    done = checkout.install()
    assert done.returncode == 1
    assert done.stderr.startswith("The packages could not be installed: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["a:b", 'a"b', "$HOME", "a`b", "a\\b"])
def test_a_name_that_nothing_can_be_installed_below_is_told_in_a_sentence(tmp_path: Path, name: str) -> None:
    checkout = Checkout(tmp_path / name)
    done = checkout.install()
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.endswith("can't stand in a path. Move it or rename it.\n")
    assert not (checkout.folder / ".venv").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a disk that is too small")
def test_a_full_disk_is_told_as_such(checkout: Checkout) -> None:
    (checkout.folder / ".venv").mkdir()
    script = 'mount -t tmpfs -o size=8k none .venv && exec "$@"'
    done = checkout.install("unshare", "--mount", "sh", "-c", script, "sh", sys.executable)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "when it is back" not in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_while_it_installs_ends_it_in_a_sentence_and_it_can_be_repeated(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "checkout", uv='#!/bin/sh\ntouch "$UV_CALLS"\nexec sleep 600\n')
    with shell(checkout.folder) as sh:
        running = sh.start_program(
            "install",
            sys.executable,
            ".ci/install.py",
            "requirements-hello.txt",
            UV_CALLS=str(checkout.calls),
        )
        eventually(checkout.calls.exists)
        ended = running.interrupt()
    assert (ended.code, "Traceback" in ended.out) == (130, False), ended.out
    assert "Repeat it" in ended.out
    assert checkout.install(PIP_PROXY="http://127.0.0.1:9").returncode == 0
    assert checkout.has("hello")


def test_pip_brings_uv_from_the_index_that_uv_is_told_of() -> None:
    found = runpy.run_path(str(ROOT / ".ci" / "install.py"))["uvs_index_for_pip"]
    mirror = "http://mirror.test/simple"
    assert found({"UV_DEFAULT_INDEX": mirror, "UV_INDEX_URL": "http://old.test"}) == {"PIP_INDEX_URL": mirror}
    assert found({"UV_INDEX_URL": mirror}) == {"PIP_INDEX_URL": mirror}
    assert found({"UV_DEFAULT_INDEX": "", "UV_INDEX": mirror}) == {}


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("target", ["run", "setup"])
def test_make_installs_anew_where_the_python_of_the_packages_is_gone(tmp_path: Path, target: str) -> None:
    """A system that was upgraded, a folder that was copied: what make noted about it is not true any more."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for lock in ROOT.glob("requirements*.txt"):
        shutil.copy(lock, tmp_path)
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (tmp_path / ".venv" / ".ready").touch()
    (tmp_path / ".venv" / ".runs").touch()

    (binaries / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (binaries / "python").chmod(0o755)
    assert "install.py" not in planned(tmp_path, target)
    (binaries / "python").unlink()
    (binaries / "python").symlink_to("/nonexistent/python3.9")
    assert "install.py" in planned(tmp_path, target)


def planned(folder: Path, target: str) -> str:
    """What make would do."""
    asked = ["make", "--dry-run", target]
    return subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=True).stdout  # noqa: S603
