"""A report as a file: table, CSV, JSON, workbook, PDF, pictures. Nothing here counts anything."""
