"""Tests of the pages and commands of letters."""
