"""Style sheets, scripts and icons: read once, pre-compressed, served under names that hold their hash.

Bootstrap's files come from the Bootstrap-Flask wheel, everything else from ``biblio/static``. A name with the file's
hash in it never changes its content, so a browser may keep it for ever.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import flask_bootstrap
from flask import Blueprint, Response, abort, request

from biblio import webkit
from biblio.paths import static_dir

IMMUTABLE = "public, max-age=31536000, immutable"
"""A year: the longest a cache may keep a file (RFC 9111 names no limit, but a year is what caches honour)."""

_COMPRESSIBLE = {".css", ".js", ".svg", ".txt", ".webmanifest"}
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".ico": "image/x-icon"}
_DARK = "[data-bs-theme=dark]"
_RULE = re.compile(r"([^{}@/]*\[data-bs-theme=dark\][^{}]*)\{([^{}]*)\}")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SOURCE_MAP = re.compile(rb"/\*# sourceMappingURL=.*?\*/|^//# sourceMappingURL=.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served; ``packed`` is its gzip form, or None where that would not be smaller."""

    name: str
    body: bytes
    packed: bytes | None
    media_type: str


class Assets:
    """All assets of an app, by plain name ("app.css") and by hashed name ("app.3f2a….css")."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._names: dict[str, str] = {}
        self._assets: dict[str, Asset] = {}
        for name, body in files.items():
            asset = _packed(name, body)
            self._names[name] = asset.name
            self._assets[asset.name] = asset

    def address(self, name: str) -> str:
        """Return the address of ``name``. Raises ``KeyError`` for a file that is not there: a mistake in a template."""
        return f"/static/{self._names[name]}"

    def find(self, hashed: str) -> Asset | None:
        """Return the asset with this hashed name, or None."""
        return self._assets.get(hashed)


@cache
def _packed(name: str, body: bytes) -> Asset:
    """Return the asset, hashed and compressed once per process: what takes a tenth of a second for each app."""
    suffix = Path(name).suffix
    hashed = f"{name.removesuffix(suffix)}.{hashlib.sha256(body).hexdigest()[:12]}{suffix}"
    packed = gzip.compress(body, 9, mtime=0) if suffix in _COMPRESSIBLE else None
    if packed is not None and len(packed) >= len(body):
        packed = None
    media_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Asset(hashed, body, packed, media_type)


def load_assets() -> Assets:
    """Read all assets. Bootstrap's dark rules are repeated for systems that prefer dark, so no script is needed."""
    bootstrap = Path(flask_bootstrap.__file__).parent / "static" / "bootstrap5" / "css" / "bootstrap.min.css"
    files = {"bootstrap.css": following_the_system(bootstrap.read_text(encoding="utf-8")).encode()}
    for path in sorted(static_dir().rglob("*")):
        if not path.is_file():
            continue
        body = path.read_bytes()
        if path.suffix == ".css":
            body = following_the_system(_COMMENT.sub("", body.decode())).encode()
        files[path.relative_to(static_dir()).as_posix()] = body
    return Assets({name: _SOURCE_MAP.sub(b"", body) for name, body in files.items()})


@cache
def following_the_system(css: str) -> str:
    """Return ``css`` with its dark rules also in force where the system is dark and the person chose nothing.

    Bootstrap switches by the attribute ``data-bs-theme`` alone; without a script nothing would set it.
    """
    rules = []
    for selectors, declarations in _RULE.findall(css):
        dark = [s.strip() for s in selectors.split(",") if s.strip().startswith(_DARK)]
        if dark:
            chosen = ",".join(":root:not([data-bs-theme])" + s.removeprefix(_DARK) for s in dark)
            rules.append(f"{chosen}{{{declarations.strip()}}}")
    return css + "\n@media (prefers-color-scheme:dark){" + "".join(rules) + "}\n" if rules else css


def asset_blueprint(assets: Assets) -> Blueprint:
    """Return the blueprint that serves ``assets`` below /static."""
    blueprint = Blueprint("assets", __name__)

    @blueprint.route("/static/<path:name>")
    @webkit.action(webkit.PUBLIC)
    def asset(name: str) -> Response:
        found = assets.find(name)
        if found is None:
            abort(404)
        packed = found.packed if "gzip" in request.headers.get("Accept-Encoding", "") else None
        response = Response(packed or found.body, content_type=_content_type(found.media_type))
        response.headers["Cache-Control"] = IMMUTABLE
        if found.packed is not None:
            response.headers["Vary"] = "Accept-Encoding"
        if packed is not None:
            response.headers["Content-Encoding"] = "gzip"
        return response

    @blueprint.route("/favicon.ico")
    @webkit.action(webkit.PUBLIC)
    def favicon() -> Response:
        return asset(assets.address("favicon.svg").removeprefix("/static/"))

    return blueprint


def _content_type(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
