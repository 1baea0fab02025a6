"""MaZO: masked zeroth-order multi-task fine-tuning of language models, and the suite that compares it.

The names below can be imported from here; each loads its module, and torch, only when it is first used. Their types
stand in ``__init__.pyi``, what they do in ``docs/api.md``.
"""

from importlib import import_module

__version__ = "0.1.0"

PUBLIC = {
    "mazo.errors": ("MazoError",),
    "mazo.examples": ("Example",),
    "mazo.importance": ("score_tasks",),
    "mazo.masks": ("Mask", "load_mask", "mask_from_scores", "save_mask"),
    "mazo.methods": ("ScoreSettings",),
    "mazo.task_mix": ("TaskMix",),
    "mazo.zeroth_order": ("RunLog", "StepLog", "StepRecord", "ZerothOrderOptimizer", "read_log", "replay_log_"),
}
_MODULES = {name: module for module, names in PUBLIC.items() for name in names}
__all__ = list(_MODULES)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'mazo' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
