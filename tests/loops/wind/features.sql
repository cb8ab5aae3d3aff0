SELECT
    asked.observed_at,
    asked.origin,
    asked.observed_at - INTERVAL 3 HOUR AS event_time,
    hour(asked.observed_at) AS hour_of_day,
    past.wind_speed AS wind_now,
    past.temp AS temp_now,
    past.pressure AS pressure_now,
    past.wind_speed - earlier.wind_speed AS wind_change
FROM weather AS asked
ASOF LEFT JOIN weather AS past ON past.origin = asked.origin AND past.observed_at <= asked.observed_at - INTERVAL 3 HOUR
ASOF LEFT JOIN weather AS earlier ON earlier.origin = asked.origin AND earlier.observed_at <= asked.observed_at - INTERVAL 6 HOUR
