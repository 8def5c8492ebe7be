"""The workloads, a module for each topic; their order is that of the table."""
from . import changing, corpus, delivery, idling, reading, relaying, restarting, searching, sessions, sorting, space

MODULES = (delivery, relaying, reading, searching, sorting, changing, sessions, corpus, space, restarting, idling)
WORKLOADS = [row for module in MODULES for row in module.WORKLOADS]
