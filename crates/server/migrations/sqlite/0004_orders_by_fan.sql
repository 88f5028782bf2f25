-- A fan's orders are read from checkout (fan_id, created_ms), which also knows those still being
-- paid. A second index over random ids, written with every sale and read by nobody, goes.
DROP INDEX order_confirmed_fan;
