"""The adversary: plays campaigns, watches every byte that is kept or sent, and tries to tell who answered what.

``play`` is the simulation and knows the truth; ``watch`` copies what is kept; ``guess`` knows only what was copied;
``score`` compares the two with what luck would give; ``leaks`` breaks the product on purpose, one step at a time.
"""
