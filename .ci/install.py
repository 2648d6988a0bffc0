"""Installs locks into .venv, or another folder: `python3 .ci/install.py [--into FOLDER] LOCK…`.

It needs nothing but Python's standard library.

uv does it in a fifth of pip's time; where there is none, pip brings the one of requirements-installer.txt into .venv.
pip itself does it where it has an index or a proxy of its own, which uv knows nothing of, and where uv fails.
"""

import os
import re
import shutil
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  where `make` is not there to look
    sys.exit(
        f"Paygraph needs Python 3.11 or newer, and this is {sys.version.split()[0]}; call a newer one by its name, "
        "such as python3.12, or make PYTHON=python3.12 …"
    )

ROOT = Path(__file__).parents[1]
ENVIRONMENT = ROOT / ".venv"
INSTALLER_LOCK = ROOT / "requirements-installer.txt"
# What pip may be told, in its files or by PIP_…, that uv does not read.
_OF_PIP_ALONE = re.compile(r"\.(index-url|no-index|proxy)=")
_CERTIFICATES = re.compile(r"\.cert='(.+)'")
# What somebody wants of pip elsewhere, and what would send these packages elsewhere.
_NOT_HERE = {
    "PIP_USER": "0",
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_ROOT_USER_ACTION": "ignore",  # everything goes into .venv, whoever installs it
}
_INDEXES_OF_UV = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")  # in uv's order
# What parts the folders of PATH, and what means something to a shell within the quotes in which initdb names itself.
_UNUSABLE = frozenset(':"$`\\')
_LEAST_SPACE = 400_000_000  # bytes that are installed and downloaded at most
_NEITHER = (
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_PYTHON",
    "PIP_DRY_RUN",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_SYSTEM_PYTHON",
)


def main(words: list[str]) -> None:
    folder, locks = (ROOT / words[1], words[2:]) if words[:1] == ["--into"] else (ENVIRONMENT, words)
    environment = {name: value for name, value in os.environ.items() if name not in _NEITHER} | _NOT_HERE
    python = made_environment(folder)
    pip = pip_for(python)
    told = read_of_pip(pip, environment)
    if not _OF_PIP_ALONE.search(told):
        environment |= uvs_index_for_pip(environment)
    certificates = _CERTIFICATES.search(told)
    if certificates:
        environment.setdefault("SSL_CERT_FILE", certificates[1])
    files = [word for lock in locks for word in ("-r", lock)]
    if not _OF_PIP_ALONE.search(told):
        uv = uv_command(ENVIRONMENT / "installer", pip, environment)
        caching = () if has_cache(environment) else ("--no-cache",)
        command = ["pip", "install", "--python", str(python), *caching, *_options(), *files]
        if uv and installed([uv, *command], environment):
            return
        say("It was not possible with uv, see above. pip tries it now, which takes longer …")
    if pip is None:
        sys.exit(
            f"{sys.executable} has neither pip nor ensurepip. On Debian and Ubuntu: apt install python3-venv"
        )
    if not installed([*pip, "install", *_options(), *files], environment):
        sys.exit(f"The packages could not be installed, see above. {advice(folder)}")


def _options() -> tuple[str, ...]:
    """The locks are whole, so nothing has to be looked for."""
    return "--quiet", "--require-hashes", "--no-deps"


def advice(folder: Path) -> str:
    free = shutil.disk_usage(folder).free
    if free < _LEAST_SPACE:
        return f"The disk of {folder} has only {free // 1_000_000} MB left; they need some {_LEAST_SPACE // 1_000_000}."
    return "They come over the network; repeat it when it is back."


def uvs_index_for_pip(environment: dict[str, str]) -> dict[str, str]:
    """Where uv has an index of its own, pip brings uv from there too."""
    named = next((environment[name] for name in _INDEXES_OF_UV if environment.get(name)), None)
    return {"PIP_INDEX_URL": named} if named else {}


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def made_environment(folder: Path) -> Path:
    """The Python of an environment that has no pip; one whose Python is gone is made anew."""
    unusable = sorted(_UNUSABLE.intersection(str(folder)))
    if unusable:
        sys.exit(
            f"The folder {folder.parent} has {' '.join(unusable)} in its name, which Python's environments or "
            "PostgreSQL's programs can't stand in a path. Move it or rename it."
        )
    python = folder / "bin" / "python"
    if not (python.exists() and is_new_enough(python)):
        venv.create(folder, clear=folder.exists() and not folder.is_symlink(), symlinks=True, with_pip=False)
    return python


def is_new_enough(python: Path) -> bool:
    check = [str(python), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    return subprocess.run(check, capture_output=True, check=False).returncode == 0  # noqa: S603  ours


def pip_for(python: Path) -> list[str] | None:
    """pip, as it installs into that environment; None if this Python has none and can't make one."""
    if find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", str(python)]
    if find_spec("ensurepip") and installed([str(python), "-m", "ensurepip"], dict(os.environ), quiet=True):
        return [str(python), "-m", "pip"]
    return None


def read_of_pip(pip: list[str] | None, environment: dict[str, str]) -> str:
    if pip is None:
        return ""
    asked = [*pip[:3], "config", "list"]  # of the same pip; it needs no environment for that
    return subprocess.run(  # noqa: S603  pip
        asked, env=environment, capture_output=True, text=True, check=False
    ).stdout


def has_cache(environment: dict[str, str]) -> bool:
    """Whether uv can keep what it downloads: a user without a home has no place for it, and pip tells so itself."""
    named = environment.get("UV_CACHE_DIR") or environment.get("XDG_CACHE_HOME")
    place = Path(named or os.path.expanduser("~/.cache")).absolute()  # noqa: PTH111  Path.home() raises without one
    found = next(each for each in (place, *place.parents) if each.exists())
    return found.is_dir() and os.access(found, os.W_OK)


def uv_command(folder: Path, pip: list[str] | None, environment: dict[str, str]) -> str | None:
    """The uv of this machine, or one that pip puts into the folder."""
    known = shutil.which("uv")
    if known or pip is None:
        return known
    own = folder / "bin" / "uv"
    wanted = INSTALLER_LOCK.read_text()
    stamp = folder / "lock.txt"
    if own.exists() and stamp.exists() and stamp.read_text() == wanted:
        return str(own)
    target = [
        "--target",
        str(folder),
        "--upgrade",
        "--no-compile",
        "--retries",
        "1",
        "-r",
        str(INSTALLER_LOCK),
    ]
    if not installed([*pip[:3], "install", *_options(), *target], environment):
        return None
    stamp.write_text(wanted)
    return str(own)


def installed(command: list[str], environment: dict[str, str], *, quiet: bool = False) -> bool:
    output = subprocess.DEVNULL if quiet else None
    try:
        ended = subprocess.run(command, env=environment, stdout=output, stderr=output, check=False)  # noqa: S603  pip and uv
    except OSError as error:
        say(f"{command[0]}: {error.strerror}")
        return False
    return ended.returncode == 0


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.exit(f"The packages could not be installed: {error.filename}: {error.strerror}")
    except KeyboardInterrupt:
        say("Not installed yet. Repeat it: what was downloaded is kept.")
        sys.exit(130)
