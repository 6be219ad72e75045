"""Files, scans, acts and issued papers: each room of `documents` has its tables in a file of its own."""
