"""Where the real papers and projects lie, and the line that says whether the tests on them ran.

The folder comes from BIBLIO_REAL_DATA, else ``../shared/data`` beside the checkout. Nothing of it is in the repository.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"


def real_data_folder() -> Path:
    """The folder of real data, whether it is there or not."""
    return Path(os.environ.get("BIBLIO_REAL_DATA") or _BESIDE)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; a test that asks for it is reported as not run where it is absent."""
    folder = real_data_folder()
    if not (folder / "projects.jsonl").is_file():
        pytest.skip(f"real data: NOT RUN, {folder} is absent")
    return folder
