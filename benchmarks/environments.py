"""Each peer has its packages in an environment of its own, at the versions that `peers/NAME.txt` names."""

import subprocess
import venv
from pathlib import Path

from benchmarks.servers import HERE

PEERS = HERE / "peers"
ENVIRONMENTS = HERE / ".envs"


def python_of(name: str, *, pins: Path = PEERS, folder: Path = ENVIRONMENTS) -> Path:
    """The interpreter of the peer *name*. Made when it is not there, half made, or of other versions.

    Raises RuntimeError with the last words of pip if it cannot be made.
    """
    wanted, home = (pins / f"{name}.txt").read_text(), folder / name
    python, installed = home / "bin" / "python", home / "installed.txt"
    if not installed.exists() or installed.read_text() != wanted:
        venv.create(home, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "--no-input", "--disable-pip-version-check", "--quiet", "install", "--no-deps"]
        done = subprocess.run([*pip, "-r", str(pins / f"{name}.txt")], check=False, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{name} cannot be installed: {last_line(done.stderr)}")
        installed.write_text(wanted)
    return python


def last_line(said: str) -> str:
    return next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "nothing was said")
