"""The local installation: Airflow, MLflow and the warm server on this machine.

`story` is what `make run` tells with them.
"""
