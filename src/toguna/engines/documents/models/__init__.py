"""Files, scans, acts and issued papers: each room of `documents` has its tables in a file of its own."""

from toguna.engines.documents.models.library import Act, ActChange, ActCitation, ActVersion
