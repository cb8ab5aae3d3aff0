-- What is known of a flight 60 minutes before its scheduled departure, and nothing later.
--
-- An event is known from the moment it happened: a departure at departed_at, an arrival at arrived_at, an observation of the
-- weather at observed_at. Rates over the last hours are differences of running counts, each looked up as of a moment
-- (ASOF), so that a flight's own departure, even an early one, can never be among them.
WITH asked AS (
    SELECT *, sched_dep - INTERVAL 60 MINUTE AS as_of FROM flights
),
departures AS (
    SELECT origin, departed_at AS moment, CAST(dep_delay > 15 AS BIGINT) AS late, greatest(dep_delay, 0) AS minutes
    FROM flights WHERE departed_at IS NOT NULL
),
arrivals AS (
    SELECT carrier, dest, arrived_at AS moment, CAST(arr_delay > 15 AS BIGINT) AS late
    FROM flights WHERE arrived_at IS NOT NULL
),
origin_counts AS (
    SELECT origin, moment, sum(count(*)) OVER running AS n, sum(sum(late)) OVER running AS late, sum(sum(minutes)) OVER running AS minutes
    FROM departures GROUP BY origin, moment WINDOW running AS (PARTITION BY origin ORDER BY moment)
),
carrier_counts AS (
    SELECT carrier, moment, sum(count(*)) OVER running AS n, sum(sum(late)) OVER running AS late
    FROM arrivals GROUP BY carrier, moment WINDOW running AS (PARTITION BY carrier ORDER BY moment)
),
dest_counts AS (
    SELECT dest, moment, sum(count(*)) OVER running AS n, sum(sum(late)) OVER running AS late
    FROM arrivals GROUP BY dest, moment WINDOW running AS (PARTITION BY dest ORDER BY moment)
)
SELECT
    -- the key, and the moment of the prediction
    asked.sched_dep, asked.carrier, asked.flight, asked.origin,
    asked.as_of AS event_time,
    -- schedule and calendar
    asked.dest,
    asked.distance,
    asked.block_minutes,
    asked.sched_minute,
    isodow(asked.sched_dep - INTERVAL 5 HOUR) AS weekday,   -- in New York; no flight leaves between midnight and 5
    -- plane
    year(asked.sched_dep) - asked.plane_year AS plane_age,
    asked.seats,
    -- weather, as last observed within six hours
    CASE WHEN asked.as_of - w.observed_at <= INTERVAL 6 HOUR THEN w.temp END AS temp,
    CASE WHEN asked.as_of - w.observed_at <= INTERVAL 6 HOUR THEN w.humid END AS humid,
    CASE WHEN asked.as_of - w.observed_at <= INTERVAL 6 HOUR THEN w.wind_speed END AS wind_speed,
    CASE WHEN asked.as_of - w.observed_at <= INTERVAL 6 HOUR THEN w.precip END AS precip,
    CASE WHEN asked.as_of - w.observed_at <= INTERVAL 6 HOUR THEN w.pressure END AS pressure,
    CASE WHEN asked.as_of - w.observed_at <= INTERVAL 6 HOUR THEN w.visib END AS visib,
    -- departures from the same airport: the last 3 hours
    (o1.late - coalesce(o0.late, 0)) / nullif(o1.n - coalesce(o0.n, 0), 0) AS origin_late_3h,
    (o1.minutes - coalesce(o0.minutes, 0)) / nullif(o1.n - coalesce(o0.n, 0), 0) AS origin_minutes_3h,
    o1.n - coalesce(o0.n, 0) AS origin_departures_3h,
    -- arrivals of the same carrier: the last 6 hours, the last 7 days
    (c1.late - coalesce(c0.late, 0)) / nullif(c1.n - coalesce(c0.n, 0), 0) AS carrier_late_6h,
    (c1.late - coalesce(c7.late, 0)) / nullif(c1.n - coalesce(c7.n, 0), 0) AS carrier_late_7d,
    -- arrivals at the same destination: the last 24 hours
    (d1.late - coalesce(d0.late, 0)) / nullif(d1.n - coalesce(d0.n, 0), 0) AS dest_late_24h
FROM asked
ASOF LEFT JOIN weather AS w ON w.origin = asked.origin AND w.observed_at <= asked.as_of
ASOF LEFT JOIN origin_counts AS o1 ON o1.origin = asked.origin AND o1.moment <= asked.as_of
ASOF LEFT JOIN origin_counts AS o0 ON o0.origin = asked.origin AND o0.moment <= asked.as_of - INTERVAL 3 HOUR
ASOF LEFT JOIN carrier_counts AS c1 ON c1.carrier = asked.carrier AND c1.moment <= asked.as_of
ASOF LEFT JOIN carrier_counts AS c0 ON c0.carrier = asked.carrier AND c0.moment <= asked.as_of - INTERVAL 6 HOUR
ASOF LEFT JOIN carrier_counts AS c7 ON c7.carrier = asked.carrier AND c7.moment <= asked.as_of - INTERVAL 7 DAY
ASOF LEFT JOIN dest_counts AS d1 ON d1.dest = asked.dest AND d1.moment <= asked.as_of
ASOF LEFT JOIN dest_counts AS d0 ON d0.dest = asked.dest AND d0.moment <= asked.as_of - INTERVAL 24 HOUR
