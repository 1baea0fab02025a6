"""How much each weight matters to the tasks (MaZO's importance score)."""

from mazo.importance.score import score_tasks

__all__ = ["score_tasks"]
