"""The workloads, a module for each topic; their order is that of the table."""
from . import changing, delivery, reading, searching, sessions

WORKLOADS = [row for module in (delivery, reading, searching, changing, sessions) for row in module.WORKLOADS]
