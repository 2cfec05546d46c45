"""``make demo``: the whole main job on the invented observatory, through the same services that a real one uses.

A replay server on loopback answers as arXiv, ADS and an archive do; the settings point there, and nothing else differs
from a real observatory. Run again at any time: nothing fails and nothing is doubled.
"""

from __future__ import annotations

import argparse
import fcntl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from biblio.clock import Clock
from biblio.errors import BiblioError
from biblio.logs import configure
from biblio.web.listening import check_free
from demo.job import Demo
from demo.make_observatory import SEED, build
from demo.replay import ReplayServer

FOLDER = Path("demo-run")


def main() -> int:
    """Run the demo; return the exit code."""
    options = _options()
    configure(level="ERROR")
    began = time.monotonic()
    try:
        if options.serve:
            check_free("127.0.0.1", options.port)  # before minutes of work, not after
        _prepare(options.folder / "observatory", options.seed)
        with _alone(options.folder), ReplayServer(options.folder / "observatory") as server:
            demo = Demo(options.folder, server.url, port=options.port)
            demo.run()
            demo.print_table(seconds=time.monotonic() - began)
            if options.serve:
                demo.serve()  # the replay server goes on, so that the pages' "fetch" works
            else:
                print("Without --no-serve the demo serves its pages. Their logins:")
                demo.print_logins()
    except BiblioError as problem:
        print(f"\nThe demo stopped: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run it again at any time; it goes on where it was.", file=sys.stderr)
        return 130
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo ARGS=…", description=__doc__)
    parser.add_argument("--no-serve", dest="serve", action="store_false", help="stop after the table")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the demo's database and files go")
    parser.add_argument("--port", type=int, default=8000, help="port of the web pages (0: any free one)")
    parser.add_argument(
        "--seed", type=int, default=SEED, help="another seed makes another observatory (in a new folder)"
    )
    return parser.parse_args()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder for this demo. Raises ``BiblioError`` when another one runs in it."""
    with (folder / "demo.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BiblioError(f"another demo is running in {folder}: stop it, or choose another --folder.") from error
        yield


def _prepare(folder: Path, seed: int) -> None:
    """Make the observatory's files, unless an earlier run did: its dates hang on the day it was made."""
    made = folder / f"made-with-seed-{seed}"
    if made.exists():
        return
    if folder.exists():
        raise BiblioError(f"{folder} holds a demo made with another seed; choose another --folder.")
    print("Inventing an observatory …", file=sys.stderr)
    today: date = Clock().today()
    build(folder, seed=seed, today=today)
    made.touch()


if __name__ == "__main__":
    raise SystemExit(main())
