"""The local installation: Airflow, MLflow and the warm server on this machine, and the story that `make run` tells with them."""
