"""What happened to a patient: doses, levels, covariates over time, and the tables they are read from and written to."""

from individose.events.history import check_history, expand_doses, expand_events
from individose.events.nonmem_read import Refusal, Table, read_nonmem, scan_nonmem
from individose.events.nonmem_write import write_nonmem
from individose.events.plan import Course, Given, Plan
from individose.events.records import Dose, Event, Level, Number, Reading, Reset, Subject, subject
from individose.events.regimen_text import read_regimen

__all__ = [
    "Course",
    "Dose",
    "Event",
    "Given",
    "Level",
    "Number",
    "Plan",
    "Reading",
    "Refusal",
    "Reset",
    "Subject",
    "Table",
    "check_history",
    "expand_doses",
    "expand_events",
    "read_nonmem",
    "read_regimen",
    "scan_nonmem",
    "subject",
    "write_nonmem",
]
