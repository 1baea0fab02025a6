"""What would stop a suite later, found before any job starts: rows that are absent or lack a field, models that are."""

from mazo.config import Suite
from mazo.data import check_data
from mazo.errors import ModelError
from mazo.model_files import check_files
from mazo.models import check_loading


def check_suite(suite: Suite) -> None:
    """Check rows and models that lie on this disk; the hub is asked when its turn comes.

    :raises DataError: rows that are absent, or a row without a field.
    :raises ModelError: a model that is absent or unreadable, or whose files lack some of its weights.
    """
    check_data(suite.data, suite.tasks)
    for name, settings in suite.models.items():
        try:
            check_files(settings)
            check_loading(settings)
        except ModelError as error:
            raise ModelError(f"models.{name}.path: {error}") from error
