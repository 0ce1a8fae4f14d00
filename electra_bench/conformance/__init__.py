"""What every registered thing has to do, plugins' included.

A check is a function of a subject (a model, an objective on a model, a task with its
data, a report); its name says what it checks. `electra-bench validate plugin` runs them
for the author of a plugin, `tests/conformance/` over all registered names.
"""
