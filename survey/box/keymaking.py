"""Makes the key pair of a ballot box in a process of its own: the private key goes into its file and nowhere else.

``python -m survey.box.keymaking FILE`` prints the public key. So no page's process ever holds a private key.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from biblio.errors import RequestRefused
from survey.box.ballots import destroy_key, new_key_pair, there_already, write_key


def make_key(path: Path) -> str:
    """Let another process make a key pair and write the private key to ``path``; return the public key.

    Raises ``RequestRefused`` when a key lies there already or the file cannot be written.
    """
    done = subprocess.run(  # noqa: S603 - our own program, a path of ours
        [sys.executable, "-m", "survey.box.keymaking", str(path.resolve())],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise RequestRefused(said[-1] if said else "The key of the ballot box could not be made. Nothing was changed.")
    return done.stdout.strip()


@dataclass(frozen=True, slots=True)
class KeyAhead:
    """A key pair that was made before its campaign had a number: the file of the private key, and the public key."""

    path: Path
    public: str

    def give(self, path: Path) -> str:
        """Let the private key be at ``path`` and nowhere else; return the public key.

        Raises ``RequestRefused`` when a key lies there already.
        """
        try:
            os.link(self.path, path)
        except FileExistsError as error:
            raise there_already(path) from error
        self.path.unlink()
        return self.public


@contextmanager
def key_ahead(folder: Path) -> Iterator[KeyAhead]:
    """Make a key pair whose campaign is still to come: starting a process must keep nobody from writing.

    It is destroyed afterwards unless it was given to a campaign; so are those that a process left which died meanwhile.
    Raises ``RequestRefused`` when the file cannot be written.
    """
    for left in folder.glob("ahead-*.key"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _AHEAD_S:
                destroy_key(left)
    key = folder / f"ahead-{secrets.token_hex(8)}.key"
    made = KeyAhead(key, make_key(key))
    try:
        yield made
    finally:
        destroy_key(key)


_AHEAD_S = 24 * 3600


def main(path: Path) -> int:
    """Make the pair; say on stderr what stood against it, for people to read."""
    private, public = new_key_pair()
    try:
        write_key(path, private)
    except RequestRefused as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(
            f"The key of the ballot box cannot be written to {path.parent} ({error.strerror or error}). Nothing was "
            "changed. Where pages may not write there, make the draft with `biblio survey campaign create`.\n"
        )
        return 1
    sys.stdout.write(public + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
