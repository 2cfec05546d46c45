"""Feature: proposes links and lets librarians decide them at the desk."""

COMMANDS = {
    "decisions": "biblio.verify.lists.commands:decisions",
    "evaluate": "biblio.verify.learning.evaluating:evaluate",
    "learn": "biblio.verify.learning.command:learn",
    "rematch": "biblio.verify.learning.rematch_command:rematch",
}
