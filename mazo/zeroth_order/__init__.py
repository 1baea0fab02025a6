"""Training with forwards alone: directions, estimates, steps, and the log that a run can be rebuilt from."""

from mazo.zeroth_order.log import RunLog, read_log
from mazo.zeroth_order.optimizer import StepRecord, ZerothOrderOptimizer
from mazo.zeroth_order.replay import replay_

__all__ = ["RunLog", "StepRecord", "ZerothOrderOptimizer", "read_log", "replay_"]
