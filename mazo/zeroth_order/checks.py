"""What the optimiser's settings must be; each raises :class:`mazo.errors.ConfigError` naming key, wanted and found."""

from collections.abc import Collection, Mapping

from mazo.errors import ConfigError
from mazo.schedules import SCHEDULES
from mazo.weighting import WEIGHTINGS
from mazo.zeroth_order.direction import DISTRIBUTIONS, FACTORED
from mazo.zeroth_order.estimate import ESTIMATES
from mazo.zeroth_order.normalization import NORMALIZATIONS
from mazo.zeroth_order.steps import STEPS


def check_names(names: Mapping[str, str]) -> None:
    """Raise for a setting whose name is none of those it may have."""
    known: dict[str, Collection[str]] = {
        "direction": DISTRIBUTIONS,
        "sides": ESTIMATES,
        "normalization": NORMALIZATIONS,
        "step": STEPS,
        "schedule": SCHEDULES,
        "weighting": WEIGHTINGS,
        "mask_mode": ("direction", "update"),
        "precision": ("master", "in_place"),
    }
    for key, name in names.items():
        if name not in known[key]:
            raise ConfigError(f"{key}: wanted one of {', '.join(known[key])}; found {name!r}")


def check_whole(direction: str, *, masked: bool) -> None:
    """Raise for a direction that wants whole matrices beside a mask that leaves parts of them."""
    if masked and direction in FACTORED:
        raise ConfigError(f"direction: {direction} wants whole matrices: no mask, or mask_mode update; found a mask")


def check_apart(addresses: Mapping[str, int]) -> None:
    """Raise for a tensor under two names, which would be moved along two directions at once.

    :param addresses: Where every trained tensor lies; 0 for one that lies nowhere.
    """
    names: dict[int, str] = {}
    for name, address in addresses.items():
        if address and (other := names.setdefault(address, name)) != name:
            raise ConfigError(
                f"named_parameters: wanted each tensor once, as model.named_parameters() gives tied ones; "
                f"found {other} and {name} in one place"
            )


def check_several(normalization: str, num_directions: int) -> None:
    """Raise for a normalization by a spread that one direction does not have."""
    if normalization != "none" and num_directions < 2:
        raise ConfigError(
            f"num_directions: wanted at least 2 for normalization {normalization}; found {num_directions}"
        )
