"""lm-eval's own tasks over our rows: its prompts and its rule, for a second column beside MeZO's, with no network."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mazo.tasks.metrics import official_results
from mazo.tasks.rows import load

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask

SOUND: dict[str, tuple[str, dict]] = {
    "sst2": ("glue/sst2", {}),
    "boolq": ("super_glue/boolq", {}),
    "rte": ("super_glue/rte", {}),
    # The official answers stand in the order yes, no, where label 1 means yes: a model that knows the gold scores 0.
    "multirc": (
        "super_glue/multirc",
        {
            "doc_to_choice": "['''{{answer}}\\nIs the answer correct? no''', "
            "'''{{answer}}\\nIs the answer correct? yes''']"
        },
    ),
    # The official choices begin with a space of their own, to which the usual delimiter would add another.
    "copa": ("super_glue/copa", {"target_delimiter": ""}),
}
"""Where a task's official YAML lies below lm-eval's tasks, and what has to be changed for it to be sound.

Left out: WSC and WiC, whose official prompts mark words by positions that our rows do not hold, and SQuAD, of whose
version 1.1 there is no official task.
"""


def load_official(tasks: Sequence[str], data: Path, *, evaluated: str) -> "dict[str, ConfigurableTask]":
    """Load lm-eval's own tasks, of those that are sound, over prepared rows; by our names.

    :param data: Folder of all tasks, as ``mazo prepare`` wrote it.
    :param evaluated: Split that lm-eval scores.
    """
    import lm_eval.tasks
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks._yaml_loader import load_yaml

    folder, loaded = Path(lm_eval.tasks.__file__).parent, {}
    for task in tasks:
        if task not in SOUND:
            continue
        place, changes = SOUND[task]
        config = load_yaml(folder / place / "default.yaml") | changes
        for key in ("dataset_path", "dataset_name", "tag"):
            config.pop(key, None)
        config |= {
            "task": f"official_{task}",
            "custom_dataset": load,
            "dataset_kwargs": {"task": task},
            "metadata": {"version": 1.0, "data_dir": str(data), "evaluated": evaluated},
            "training_split": "train",
            "validation_split": "dev",
            "test_split": "evaluated",
            "process_results": official_results,
            "metric_list": [{"metric": "score", "aggregation": "mean", "higher_is_better": True}],
        }
        loaded[task] = ConfigurableTask(config=config)
    return loaded
