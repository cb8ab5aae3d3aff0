"""An installation a file, as the end-to-end tests have it."""

from tests.end_to_end.conftest import airflow, console, local

__all__ = ["airflow", "console", "local"]
