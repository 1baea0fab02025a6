"""The paper's claims, the rule by which each is decided, and the verdict on what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from mazo.errors import ConfigError
from mazo.settings import Count, Settings
from mazo.statistics import Estimate

Unit = Literal["ratio", "points", "percent", "number"]
Group = Literal["zeroth_order", "weighted", "first_order"]
Verdict = Literal["supported", "not supported", "undecided at this scale", "not measured in this suite"]

SUPPORTED: Verdict = "supported"
NOT_SUPPORTED: Verdict = "not supported"
UNDECIDED: Verdict = "undecided at this scale"
NOT_MEASURED: Verdict = "not measured in this suite"


class Claim(Settings):
    """A claim with its measurement and decision rule."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    claim: str
    measurement: str
    measure: Literal[
        "mixing_noise",
        "mask_noise",
        "rank_gap",
        "conflict_cosine",
        "conflict_sign",
        "score",
        "training_memory",
        "inference_memory",
        "steps_saved",
        "scoring_time",
        "scoring_memory",
    ]
    against: Group | None = None
    unit: Unit
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _is_decidable(self) -> "Claim":
        if (self.above is None) == (self.below is None):
            found = "none" if self.above is None else "both"
            raise ValueError(f"{self.id}: wanted one of above and below; found {found}")
        if (self.against is None) == (self.measure in ("score", "training_memory", "steps_saved")):
            raise ValueError(f"{self.id}: against goes with score, training_memory, steps_saved; found {self.measure}")
        return self

    @property
    def threshold(self) -> float:
        """The number that the interval is held against, in the claim's unit."""
        return self.above if self.above is not None else self.below or 0.0

    @property
    def rule(self) -> str:
        """The decision rule in words."""
        side, other = ("above", "below") if self.above is not None else ("below", "above")
        at = f"{self.threshold:g}{' %' if self.unit == 'percent' else ''}"
        return f"supported: whole interval {side} {at}; not supported: wholly {other} or at it"


class Claims(Settings):
    """The claims in their order."""

    min_seeds: Count
    claims: list[Claim]

    @model_validator(mode="after")
    def _ids_differ(self) -> "Claims":
        ids = [claim.id for claim in self.claims]
        if len(set(ids)) != len(ids):
            raise ValueError(f"claims: ids repeat: {', '.join(ids)}")
        return self


def load_claims(path: Path) -> Claims:
    """Read the claims from a YAML file.

    :raises ConfigError: a file that cannot be read, or one line a fault.
    """
    try:
        return Claims.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not valid YAML ({' '.join(str(error).split())})") from None
    except ValidationError as error:
        faults = [(".".join(map(str, f["loc"])), f["msg"].removeprefix("Value error, ")) for f in error.errors()]
        raise ConfigError("\n".join(f"{path}: {key}: {message}" for key, message in faults)) from None


@dataclass(frozen=True)
class Finding:
    """What was measured for a claim, against one row where the claim is about rows; in the claim's unit."""

    against: str | None
    estimate: Estimate
    num_seeds: int
    items: str
    """What the interval is taken over beside the seeds, with their number, as ``8 tasks``; empty for nothing else."""

    @property
    def n(self) -> str:
        """The sample in words."""
        seeds = f"{self.num_seeds} seed{'s' if self.num_seeds != 1 else ''}"
        return f"{seeds}, {self.items}" if self.items else seeds


@dataclass(frozen=True)
class Judged:
    """A claim, its verdict on one model and mix, and each finding with its own."""

    claim: Claim
    model: str
    mix: str
    verdict: Verdict
    findings: Sequence[tuple[Finding, Verdict]]

    @property
    def weakest(self) -> tuple[Finding, Verdict] | None:
        """The finding that says least for the claim."""
        sign = 1 if self.claim.above is not None else -1
        return min(self.findings, key=lambda found: sign * found[0].estimate.value, default=None)


def decide(claim: Claim, finding: Finding, *, min_seeds: int) -> Verdict:
    """Apply a claim's rule to one finding."""
    if finding.num_seeds < min_seeds:
        return UNDECIDED
    low, high = finding.estimate.low, finding.estimate.high
    if claim.above is None:
        low, high = -high, -low
    threshold = claim.threshold if claim.above is not None else -claim.threshold
    if low > threshold:
        return SUPPORTED
    return NOT_SUPPORTED if high <= threshold else UNDECIDED


def judge(claim: Claim, findings: Sequence[Finding], *, model: str, mix: str, min_seeds: int) -> Judged:
    """Decide a claim from all its findings: supported where each supports it, not supported where one does not."""
    verdicts = [decide(claim, finding, min_seeds=min_seeds) for finding in findings]
    return Judged(claim, model, mix, _joint(verdicts), list(zip(findings, verdicts, strict=True)))


def _joint(verdicts: Sequence[Verdict]) -> Verdict:
    if not verdicts:
        return NOT_MEASURED
    if NOT_SUPPORTED in verdicts:
        return NOT_SUPPORTED
    return UNDECIDED if UNDECIDED in verdicts else SUPPORTED
