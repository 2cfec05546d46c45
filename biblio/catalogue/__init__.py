"""The only writer of what several features touch: papers, projects, links, suggestions, decisions."""
