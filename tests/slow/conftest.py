"""An installation as the end-to-end tests have it."""

import pytest

from tests.end_to_end.conftest import airflow, console, local

__all__ = ["airflow", "console", "local"]


@pytest.fixture(scope="package")
def installed_loops() -> tuple[str, ...]:
    return ("wind", "wind_at_once", "wind_nightly")
