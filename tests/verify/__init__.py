"""Tests of the desk: the match job, the queue, the pages."""
