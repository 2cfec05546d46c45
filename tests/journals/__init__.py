"""Tests of the pages and the job about journals."""
