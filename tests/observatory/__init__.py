"""Tests of biblio/observatory."""
