"""Deployment settings: what differs from one machine to the next. They come from the environment.

Where the home folder holds a file ``settings.env``, lines ``BIBLIO_<NAME>=value`` in it stand for variables that are not set,
so that a home which belongs to services of its own (the demo's) never asks others by oversight.

What differs from one *observatory* to the next (codes, cycles, wording, rules) is a profile, see
``biblio/observatory``. Every setting below is an environment variable ``BIBLIO_<NAME>``; ``docs/settings.md`` is
generated from the docstrings here.
"""

from __future__ import annotations

import os
from email.utils import getaddresses
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from biblio.errors import StartRefused

SECRET_MIN_LENGTH = 32
"""Characters a secret must have in production: 32 random hexadecimal digits hold 128 bits."""

SIGNING_KEY_FILE = "secrets/secret_key"
"""Where ``biblio init`` writes the server secret, below ``home``."""

OPT_OUT_KEY_FILE = "secrets/opt_out_key"
"""Where the key lies, below ``home``, under which addresses that opted out are kept; it is never renewed."""

SMALLEST_WAVE = 20
"""Persons that an early opening of a ballot box must come from at least."""

SETTINGS_FILE = "settings.env"
"""Settings of a home, below ``home``; the environment goes before them."""


class Settings(BaseSettings):
    """Everything an operator may set, with what it means and its unit."""

    model_config = SettingsConfigDict(
        env_prefix="BIBLIO_", env_file=None, extra="ignore", use_attribute_docstrings=True
    )

    home: Path = Path("biblio-data")
    """Folder for what biblio keeps on disk: the SQLite database, secrets, survey keys, outgoing mail as files."""

    database_url: str | None = None
    """SQLAlchemy address of the database. Unset: SQLite at ``home``/biblio.db. PostgreSQL: postgresql+psycopg://…"""

    observatory: str | None = None
    """Name of the observatory profile. Unset: the one chosen by ``biblio init``, else the shipped default."""

    environment: Literal["production", "development"] = "production"
    """``development`` allows plain-http cookies; production refuses a weak secret."""

    secret_key: SecretStr | None = None
    """Secret that signs sessions and makes survey tokens. Unset: read from ``home``/secrets/secret_key."""

    base_url: str = "http://127.0.0.1:8000"
    """Public address of the web pages, used in letters to PIs; no slash at the end."""

    contact_email: str = "biblio-operator@example.org"
    """Address that the services we harvest can write to; part of every request's user agent."""

    ads_token: SecretStr | None = Field(default=None)
    """Token of the NASA ADS API. Unset: ADS is left out, and every run says so."""

    ads_url: str = "https://api.adsabs.harvard.edu/v1"
    """Base address of the ADS API."""

    ads_library: str | None = None
    """Id of the ADS library that our papers are pushed into each night. Unset: none is. The token must have the right
    to write it."""

    arxiv_url: str = "https://export.arxiv.org"
    """Base address of the arXiv API and of its e-prints."""

    arxiv_oai_url: str = "https://oaipmh.arxiv.org/oai"
    """Address of arXiv's OAI-PMH service, which says each day what is new or changed."""

    arxiv_rss_url: str = "https://rss.arxiv.org/rss"
    """Address below which arXiv's announcements of today lie as RSS."""

    arxiv_pace_s: float = Field(default=3.0, ge=0)
    """Seconds between two requests to arXiv over all processes. arXiv asks for 3; less is refused but on loopback."""

    tap_url: str | None = None
    """Address of the archive's TAP service. Unset: the profile's."""

    texts_folder: Path | None = None
    """Folder watched for full texts (PDF, TeX, JATS, HTML) that the library puts there, named by their identifiers."""

    mail_dir: Path | None = None
    """Folder where outgoing mail is written as .eml files. Unset: ``home``/mail. Ignored when SMTP is configured."""

    smtp_host: str | None = None
    """Host of the SMTP server. Unset: mail is written to ``mail_dir`` and nothing is sent."""

    smtp_port: int = Field(default=25, ge=1, le=65535)
    """Port of the SMTP server."""

    smtp_user: str | None = None
    """User name for the SMTP server, if it wants one."""

    smtp_password: SecretStr | None = None
    """Password for the SMTP server."""

    smtp_starttls: bool = True
    """Whether to switch to TLS before sending; a server without it is then refused."""

    mail_from: str = "biblio <biblio@example.org>"
    """Sender of all letters."""

    report_recipients: str = ""
    """Who gets the reports that the profile's recipes make: addresses with commas between them, as in
    ``Director <director@example.org>, board@example.org``. Unset: reports are frozen and nobody is written to."""

    ratelimit_storage: str = "memory://"
    """Where login and survey throttling counts are kept; with several web workers a shared one (redis://…)."""

    trusted_proxies: int = Field(default=0, ge=0, le=5)
    """How many reverse proxies stand in front and set X-Forwarded-* headers."""

    claim_minutes: int = Field(default=30, ge=1, le=24 * 60)
    """How many minutes a librarian's claim on a paper holds, unless it is released or the paper decided on before."""

    survey_minimum_persons: int = Field(default=5, ge=3, le=100)
    """How many distinct persons must have answered before a campaign's ballots are opened, and for each of its strata."""

    survey_wave_persons: int = Field(default=0, ge=0)
    """Open the ballot box during a campaign each time so many more persons have answered; at least 20. 0: at its end."""

    survey_keep_months: int = Field(default=12, ge=1, le=120)
    """How many months after a campaign has closed its addresses and letters are erased."""

    bounce_folder: Path | None = None
    """Folder in which the mail server puts what came back (a Maildir, or ``.eml`` files). Unset: none is read."""

    bounce_imap_host: str | None = None
    """Host of the IMAP server whose mailbox gets what came back. Unset: none is asked."""

    bounce_imap_port: int = Field(default=993, ge=1, le=65535)
    """Port of the IMAP server."""

    bounce_imap_user: str | None = None
    """User name for the IMAP server."""

    bounce_imap_password: SecretStr | None = None
    """Password for the IMAP server."""

    bounce_imap_folder: str = "INBOX"
    """Mailbox of the IMAP server to read; what is read is marked as seen and left there."""

    bounce_imap_tls: bool = True
    """Whether the IMAP server is spoken to over TLS from the first byte."""

    second_reading_share: float = Field(default=0.05, ge=0, le=1)
    """Share (0–1) of decisions, drawn at random, that a second librarian judges without seeing the first. 0: none."""

    oidc_issuer: str | None = None
    """Issuer of the OpenID Connect provider that people log in with (extra ``oidc``): https, plain http on loopback only.
    Needs the next two. Unset: local accounts only."""

    oidc_client_id: str | None = None
    """Client name that the OpenID Connect provider registered for us."""

    oidc_client_secret: SecretStr | None = None
    """Client secret that the OpenID Connect provider gave us."""

    log_json: bool = False
    """Whether logs are JSON lines for a collector instead of readable lines."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least important kind of event that is logged."""

    @field_validator("ads_token", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("mail_from", "contact_email")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("must be one line of printable characters")
        return value

    @field_validator("report_recipients")
    @classmethod
    def _addresses(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("must be one line of printable characters")
        if wrong := sum("@" not in address for _, address in getaddresses([value]) if value.strip()):
            raise ValueError(f"{wrong} of its parts are no address; write: Name <name@example.org>, other@example.org")
        return value

    @field_validator("survey_wave_persons")
    @classmethod
    def _large_waves(cls, value: int, info: ValidationInfo) -> int:
        least = max(SMALLEST_WAVE, info.data.get("survey_minimum_persons", SMALLEST_WAVE))
        if 0 < value < least:
            raise ValueError(f"must be 0 or at least {least}: among fewer persons an answer could be guessed")
        return value

    @field_validator("base_url", "ads_url", "arxiv_url", "arxiv_oai_url", "arxiv_rss_url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/")

    @property
    def database(self) -> str:
        """The database's address, with the default filled in."""
        return self.database_url or f"sqlite:///{(self.home / 'biblio.db').resolve()}"

    @property
    def report_readers(self) -> tuple[tuple[str, str], ...]:
        """Name ("" where none is given) and address of everybody who gets reports, each address once."""
        found: dict[str, tuple[str, str]] = {}
        for name, address in getaddresses([self.report_recipients]):
            if address:
                found.setdefault(address.lower(), (name, address))
        return tuple(found.values())

    @property
    def outgoing_mail(self) -> Path:
        """The folder for .eml files, with the default filled in."""
        return self.mail_dir or self.home / "mail"

    @property
    def opt_out_key_file(self) -> Path:
        """The file with the key under which addresses that opted out are kept."""
        return self.home / OPT_OUT_KEY_FILE

    @property
    def survey_keys(self) -> Path:
        """The folder that holds the private keys of open campaigns; it must not be part of the database's backup."""
        return self.home / "keys"

    def secret(self) -> str:
        """Return the server secret. Raises ``StartRefused`` when there is none, or a weak one in production."""
        if self.secret_key is not None:
            value = self.secret_key.get_secret_value()
        else:
            path = self.home / SIGNING_KEY_FILE
            if not path.is_file():
                raise StartRefused(
                    f"There is no server secret: run `biblio init`, or set BIBLIO_SECRET_KEY ({path} is absent)."
                )
            value = path.read_text(encoding="utf-8").strip()
        if self.environment == "production" and len(value) < SECRET_MIN_LENGTH:
            raise StartRefused(
                f"The server secret is shorter than {SECRET_MIN_LENGTH} characters: make a new one with `biblio init --new-secret`."
            )
        return value


def load_settings() -> Settings:
    """Read the settings from the environment and the home's file. Raises ``StartRefused`` naming what cannot be used."""
    from pydantic import ValidationError

    home = Path(os.environ.get("BIBLIO_HOME") or Settings.model_fields["home"].default)
    file = home / SETTINGS_FILE
    try:
        # _env_file is an argument that pydantic-settings adds; the home itself is not for its own file to say.
        return Settings(_env_file=file, _env_file_encoding="utf-8", home=home)
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefused(f"{file} cannot be read ({type(error).__name__}): mend it or take it away.") from error
    except ValidationError as error:
        lines = [f"BIBLIO_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        raise StartRefused("These settings cannot be used:\n  " + "\n  ".join(lines)) from error
