"""Feature: proposes links and lets librarians decide them at the desk."""
