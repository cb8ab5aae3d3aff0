"""The upkeep of all loops: one Airflow DAG, ratchet.upkeep."""

from ratchet_airflow.loop_dags.upkeep import upkeep

ratchet_upkeep = upkeep()
