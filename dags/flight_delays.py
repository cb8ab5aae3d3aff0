"""The loop flight_delays: will a flight out of New York arrive late? Five Airflow DAGs, from its contract."""

from ratchet_airflow.loop_dags import dags_of

globals().update(dags_of("flight_delays"))
