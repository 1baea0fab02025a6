"""What would stop a suite later, found before any job starts: rows that are absent or lack a field, models that are."""

from mazo.config import Suite
from mazo.models import check_model


def check_suite(suite: Suite) -> None:
    """Check rows and models that lie on this disk; the hub is asked when its turn comes.

    :raises MazoError: the first fault, naming key or file, wanted, found.
    """
    for settings in suite.models.values():
        check_model(settings)
