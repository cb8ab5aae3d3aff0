SELECT opened_at, lock, opened_at AS event_time, level, draught FROM locks
