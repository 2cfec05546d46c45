"""Tests of candidates, from papers to the job `match`."""
