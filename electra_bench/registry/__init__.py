"""Everything that is known by name, found through entry points.

`tasks` and `mixtures` hold TaskCards and mixture descriptions; seqio's own registries hold
the tasks themselves. `metrics` holds functions that nothing configures. The other
registries hold builders, which are registered with gin as `<kind>.<name>`. Nothing here
imports TensorFlow or seqio.
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
training = Registry("training")
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
        training,
        vocabularies,
    )
}

__all__ = [
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
    "reports",
    "suites",
    "tasks",
    "training",
    "vocabularies",
]
