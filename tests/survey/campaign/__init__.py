"""Tests of ``survey.campaign``."""
