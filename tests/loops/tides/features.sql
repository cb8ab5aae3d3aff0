SELECT
    asked.measured_at,
    asked.harbour,
    asked.measured_at - INTERVAL 1 HOUR AS event_time,
    past.level AS level_now,
    earlier.level AS level_before
FROM tides AS asked
LEFT JOIN tides AS past ON past.harbour = asked.harbour AND past.measured_at = asked.measured_at - INTERVAL 1 HOUR
LEFT JOIN tides AS earlier ON earlier.harbour = asked.harbour AND earlier.measured_at = asked.measured_at - INTERVAL 2 HOUR
