-- The rain of the hour is averaged over its stations; a gate's people are those of the same hour a day before.
SELECT
    p.hour,
    p.gate,
    p.hour AS event_time,
    p.line,
    p.trains,
    hour(p.hour) AS of_day,
    w.rain,
    w.temperature,
    before.people AS day_before
FROM passes AS p
LEFT JOIN (SELECT hour, avg(rain) AS rain, avg(temperature) AS temperature FROM weather GROUP BY hour) AS w
    ON w.hour = p.hour
LEFT JOIN passes AS before ON before.gate = p.gate AND before.hour = p.hour - INTERVAL 1 DAY
