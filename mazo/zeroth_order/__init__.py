"""Training with forwards alone: directions, estimates, steps, and the log that a run can be rebuilt from."""

from mazo.zeroth_order.log import RunLog, read_log
from mazo.zeroth_order.optimizer import StepRecord, ZerothOrderOptimizer
from mazo.zeroth_order.replay import replay_
from mazo.zeroth_order.step_log import StepLog, replay_log_

__all__ = ["RunLog", "StepLog", "StepRecord", "ZerothOrderOptimizer", "read_log", "replay_", "replay_log_"]
