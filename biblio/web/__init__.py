"""The web door: application, security, accounts, administration."""

from biblio.web.app import create_app, create_app_from_environment, start

__all__ = ["create_app", "create_app_from_environment", "start"]
