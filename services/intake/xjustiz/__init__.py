"""XJustiz messages of courts become notices. Pure: bytes in, notices and warnings out; no file is touched but our schemas.

message = read(document)          # Nachrichtenkopf and Grunddaten, whatever the version
filing = file(message, source)    # the notices they make, and what a person should know
"""

from services.intake.xjustiz.filing import Filing, file
from services.intake.xjustiz.message import Message, read

__all__ = ["Filing", "Message", "file", "read"]
