"""Tasks without code, registered for a test."""


def registered(lines, folder):
    """The source of the task that the lines of a gin file make of files in a folder."""
    from electra_bench.runs.launch import parse
    from electra_bench.tasks.from_files.registration import register_file_tasks
    from electra_bench.tasks.registration import load_task

    [name] = register_file_tasks(parse((), lines), data_dir=str(folder))
    return load_task(name).source
