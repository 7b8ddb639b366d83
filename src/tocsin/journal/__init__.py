"""What must survive without the database: files of records, appended, proven by checksum, on disk when told so."""

from tocsin.journal.files import write_whole
from tocsin.journal.records import Cut, framed, records_in
from tocsin.journal.segments import Journal, JournalFull, Segment

__all__ = ["Cut", "Journal", "JournalFull", "Segment", "framed", "records_in", "write_whole"]
