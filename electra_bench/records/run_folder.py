"""What the folder of a run that is asked for can hold."""

# A valid record of this run.
ANSWERED = "answered"
# Its beginning.
INTERRUPTED = "interrupted"
# Nothing.
ABSENT = "absent"
# This run, done or begun, by code that is not the one here.
OTHER_CODE = "other code"
# This run, whose record is cut off.
UNREADABLE = "unreadable"
# Something else, which would have to be deleted.
OTHER = "other"
