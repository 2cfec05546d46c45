"""Feature: harvests papers and projects, reads texts, shows what was and was not got."""

COMMANDS = {
    "harvest": "biblio.ingest.run_commands:harvest",
    "projects": "biblio.ingest.project_commands:projects",
    "papers": "biblio.ingest.paper_commands:papers",
    "reparse": "biblio.ingest.run_commands:reparse",
    "coverage": "biblio.ingest.harvest_commands:coverage",
    "ads": "biblio.ingest.ads_commands:ads",
}
