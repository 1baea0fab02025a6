"""The errors a user can cause; the command line prints their message in one line and exits with status 2."""


class MazoError(Exception):
    """Base of the errors that are the input's fault: the message names the key or file, wanted, found, accepted."""


class ConfigError(MazoError):
    """A configuration that cannot be run."""


class DataError(MazoError):
    """Rows that are missing or lack a field."""


class ModelError(MazoError):
    """A model that cannot be loaded or lacks what a method needs."""


class MaskError(MazoError):
    """A mask that cannot be read or does not fit the model."""


class TrainingError(MazoError):
    """A training run that cannot go on, or whose log does not rebuild its weights."""


class DivergedError(TrainingError):
    """A training run whose losses are not finite, or have left all bounds."""


class StuckError(TrainingError):
    """A training run that moves no weight."""


class MachineError(MazoError):
    """What the machine refuses: a full disk, too little memory, a folder that may not be written."""
