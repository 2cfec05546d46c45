"""Decisions come in from a library's existing bibliography or an archive's references, and go out."""
