"""The local installation: Airflow, MLflow and the fork server on this machine, and the story of `make run`."""
