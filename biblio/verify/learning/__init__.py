"""Learning from verdicts: labels, fitting, evaluating, and trying a model over all papers before it is put in force."""
