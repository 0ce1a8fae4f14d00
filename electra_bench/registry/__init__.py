"""Everything that is known by name, found through entry points.

`tasks` and `mixtures` hold TaskCards and mixture descriptions; seqio's own registries hold
the tasks themselves. `weighted_metrics` holds functions that nothing configures. The other
registries hold builders, which are registered with gin as `<kind>.<name>`. Nothing here
imports TensorFlow or seqio.
"""

from electra_bench.registry.registry import Origin, Registry, UnknownName, load_plugin

tasks = Registry("tasks", gin_names=False)
mixtures = Registry("mixtures", gin_names=False)
features = Registry("features")
models = Registry("models")
objectives = Registry("objectives")
kinds = Registry("kinds")
reports = Registry("reports")
suites = Registry("suites")
training = Registry("training")
vocabularies = Registry("vocabularies")
weighted_metrics = Registry("weighted_metrics", gin_names=False)

REGISTRIES = {
    registry.kind: registry
    for registry in (
        tasks,
        mixtures,
        features,
        models,
        objectives,
        kinds,
        reports,
        suites,
        training,
        vocabularies,
        weighted_metrics,
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
    "mixtures",
    "models",
    "objectives",
    "reports",
    "suites",
    "tasks",
    "training",
    "vocabularies",
    "weighted_metrics",
]
