"""The web door: application, security, accounts, administration."""
