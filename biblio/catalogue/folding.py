"""Letters as a keyboard without accents types them: "Çelik" and "celik" are one, and so are "Hα" and "halpha"."""

from __future__ import annotations

from anyascii import anyascii

GREEK = {
    ord(sign): name
    for name, signs in {
        "alpha": "αΑ", "beta": "βΒ", "gamma": "γΓ", "delta": "δΔ", "epsilon": "εϵΕ", "zeta": "ζΖ", "eta": "ηΗ",
        "theta": "θϑΘ", "iota": "ιΙ", "kappa": "κΚ", "lambda": "λΛ", "mu": "μµΜ", "nu": "νΝ", "xi": "ξΞ", "pi": "πΠ",
        "rho": "ρΡ", "sigma": "σςΣ", "tau": "τΤ", "upsilon": "υΥ", "phi": "φϕΦ", "chi": "χΧ", "psi": "ψΨ",
        "omega": "ωΩ",
    }.items()
    for sign in signs
}  # fmt: skip
"""Greek letters by name, as TeX writes them and as a keyboard without Greek types them: "Hα", r"H$\\alpha$", "Halpha"."""


def fold(text: str) -> str:
    """Return ``text`` in lower case, without accents: "Çelik" and "celik" are one. What is no letter stays."""
    return (text if text.isascii() else str(anyascii(text.translate(GREEK)))).lower()
