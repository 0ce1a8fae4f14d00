"""Any number of labels a text, as a task kind of electra-bench."""
