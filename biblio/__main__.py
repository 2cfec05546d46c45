"""``python -m biblio`` is ``biblio``."""

from biblio.cli import run_main

run_main()
