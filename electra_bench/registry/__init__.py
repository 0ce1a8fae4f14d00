"""Everything that is known by name, found through entry points.

`tasks` and `mixtures` hold TaskCards and mixture descriptions; seqio's own registries hold
the tasks themselves. `metrics` holds functions that nothing configures. The other
registries hold builders, which are registered with gin as `<kind>.<name>`; those of
optimizers, schedules and strategies as `training.<name>`. Nothing here imports TensorFlow
or seqio.
"""

from electra_bench.registry.registry import Origin, Registry, UnknownName, load_plugin

tasks = Registry("tasks", gin_names=False)
metrics = Registry("metrics", gin_names=False)
mixtures = Registry("mixtures", gin_names=False)
features = Registry("features")
models = Registry("models")
objectives = Registry("objectives")
kinds = Registry("kinds")
reports = Registry("reports")
suites = Registry("suites")
optimizers = Registry("optimizers", gin_module="training")
schedules = Registry("schedules", gin_module="training")
strategies = Registry("strategies", gin_module="training")
training = Registry("training", parts=(optimizers, schedules, strategies))
vocabularies = Registry("vocabularies")

REGISTRIES = {
    registry.kind: registry
    for registry in (
        tasks,
        mixtures,
        metrics,
        features,
        models,
        objectives,
        kinds,
        reports,
        suites,
        optimizers,
        schedules,
        strategies,
        training,
        vocabularies,
    )
}
# First parts of gin selectors.
GIN_MODULES = tuple(dict.fromkeys(r.gin_module for r in REGISTRIES.values()))

__all__ = [
    "GIN_MODULES",
    "REGISTRIES",
    "Origin",
    "Registry",
    "UnknownName",
    "features",
    "kinds",
    "load_plugin",
    "metrics",
    "mixtures",
    "models",
    "objectives",
    "optimizers",
    "reports",
    "schedules",
    "strategies",
    "suites",
    "tasks",
    "training",
    "vocabularies",
]
