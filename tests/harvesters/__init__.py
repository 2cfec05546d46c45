"""Tests of the harvesters, against small real servers on loopback."""
