"""Tests of the demo observatory and its replay server."""
