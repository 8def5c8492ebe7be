"""The workloads, a module for each topic; their order is that of the table."""
from . import changing, corpus, delivery, idling, reading, restarting, searching, sessions, space

MODULES = (delivery, reading, searching, changing, sessions, corpus, space, restarting, idling)
WORKLOADS = [row for module in MODULES for row in module.WORKLOADS]
