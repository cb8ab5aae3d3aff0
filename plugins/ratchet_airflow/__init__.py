"""How Airflow runs Ratchet: operators, runtimes, DAG builders, links and the pages in its UI."""
