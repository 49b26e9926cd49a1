"""The demo: the outside world simulated around a running system, on a clock that steps when everything has settled.

material -> households, timeline -> scenario (and stories): what happens, pure
fieldwork, helpers: what caseworkers and providers do, pure
clients, mailbox: their side of the wire;  settled, play: one working day after the other;  digest, summary: what it came to
"""
