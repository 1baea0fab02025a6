from mazo.errors import MazoError as MazoError
from mazo.examples import Example as Example
from mazo.importance import score_tasks as score_tasks
from mazo.masks import Mask as Mask
from mazo.masks import load_mask as load_mask
from mazo.masks import mask_from_scores as mask_from_scores
from mazo.masks import save_mask as save_mask
from mazo.methods import ScoreSettings as ScoreSettings
from mazo.task_mix import TaskMix as TaskMix
from mazo.zeroth_order import RunLog as RunLog
from mazo.zeroth_order import StepLog as StepLog
from mazo.zeroth_order import StepRecord as StepRecord
from mazo.zeroth_order import ZerothOrderOptimizer as ZerothOrderOptimizer
from mazo.zeroth_order import read_log as read_log
from mazo.zeroth_order import replay_log_ as replay_log_

__version__: str
