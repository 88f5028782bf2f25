-- What each performance sold in each minute, from the messages of `ticket-bookings`: the same sums as the
-- `sales_window` that the server itself sends to `analytics-results`, kept by Flink.
--
-- KAFKA    brokers, HOST:PORT, several with commas
-- INPUT    topic to read: ticket-bookings
-- OUTPUT   topic for a minute's orders; those of its price bands go to OUTPUT-by-band. Both must be there.
-- BOUNDED  unbounded; or latest-offset: reads what is there, writes the sums, ends
--
-- Why it is built like this:
--
-- * The window is arithmetic on `at_ms` and a plain GROUP BY, not TUMBLE with a watermark. One watermark is for
--   all performances, and their ledgers are published independently of each other: a ledger that was held up
--   for a day, or that is published from its first batch because Kafka was turned on later, is a day or a year
--   behind the others and would be dropped as late. A group knows no late: whatever comes is added to its
--   minute, and the minute's row is written again.
-- * Hence the sinks are upsert-kafka: rows of one key come in order, and the last one counts. Rows that Flink
--   writes again after a restart do no harm, so no transactions are needed.
-- * The relay repeats messages under their old event_id. The first row of each event_id is kept, which is the
--   one form of ROW_NUMBER() that Flink turns into an operator that remembers nothing but the ids.
-- * Bands are rows, not an array within the minute's row: collecting rows that change into an array makes Flink
--   take each band out before it puts it in again, and the array without it would be written too.
-- * State is forgotten after table.exec.state.ttl without a write. The ids must be remembered for as long as a
--   repeat may follow, and a minute for as long as its next message may: so it must be longer than the relay or
--   Kafka may be away in the middle of a sale. A message that comes later begins its minute again from nothing.

SET 'pipeline.name' = 'sales by minute';
SET 'table.exec.state.ttl' = '7 d';
-- Rows are written at most once a second for each key, and an order's tickets, as a rule, all at once.
SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '1 s';
SET 'table.exec.mini-batch.size' = '5000';

CREATE TABLE bookings (
  event_id STRING,
  performance STRING,
  seq BIGINT,
  at_ms BIGINT,
  kind STRING,
  currency STRING,
  order_fees_minor BIGINT,
  tickets ARRAY<ROW<band INT, paid_minor BIGINT>>,
  came AS PROCTIME()
) WITH (
  'connector' = 'kafka',
  'properties.bootstrap.servers' = '${KAFKA}',
  'topic' = '${INPUT}',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = '${BOUNDED}',
  'format' = 'json'
);

CREATE TABLE minutes (
  performance STRING,
  from_ms BIGINT,
  until_ms BIGINT,
  currency STRING,
  orders BIGINT,
  order_fees_minor BIGINT,
  seq BIGINT,
  PRIMARY KEY (performance, from_ms) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'properties.bootstrap.servers' = '${KAFKA}',
  'topic' = '${OUTPUT}',
  'key.format' = 'json',
  'value.format' = 'json'
);

CREATE TABLE bands (
  performance STRING,
  from_ms BIGINT,
  until_ms BIGINT,
  band INT,
  currency STRING,
  sold BIGINT,
  revenue_minor BIGINT,
  cancelled BIGINT,
  refunds_minor BIGINT,
  seq BIGINT,
  PRIMARY KEY (performance, from_ms, band) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'properties.bootstrap.servers' = '${KAFKA}',
  'topic' = '${OUTPUT}-by-band',
  'key.format' = 'json',
  'value.format' = 'json'
);

-- An exchange moves no money and no ticket between minutes, so it is not counted; nor is a kind that may be
-- added later.
CREATE TEMPORARY VIEW counted AS
SELECT
  performance,
  at_ms - MOD(at_ms, 60000) AS from_ms,
  kind = 'tickets_sold' AS is_sale,
  currency,
  order_fees_minor,
  tickets,
  seq
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY came ASC) AS coming
  FROM bookings
  WHERE kind IN ('tickets_sold', 'tickets_cancelled')
)
WHERE coming = 1;

BEGIN STATEMENT SET;

-- A performance has one currency: MAX is that one.
INSERT INTO minutes
SELECT
  performance,
  from_ms,
  from_ms + 60000,
  MAX(currency),
  SUM(CASE WHEN is_sale THEN 1 ELSE 0 END),
  SUM(CASE WHEN is_sale THEN order_fees_minor ELSE 0 END),
  MAX(seq)
FROM counted
GROUP BY performance, from_ms;

INSERT INTO bands
SELECT
  performance,
  from_ms,
  from_ms + 60000,
  band,
  MAX(currency),
  SUM(CASE WHEN is_sale THEN 1 ELSE 0 END),
  SUM(CASE WHEN is_sale THEN paid_minor ELSE 0 END),
  SUM(CASE WHEN is_sale THEN 0 ELSE 1 END),
  SUM(CASE WHEN is_sale THEN 0 ELSE paid_minor END),
  MAX(seq)
FROM counted
CROSS JOIN UNNEST(tickets) AS ticket (band, paid_minor)
GROUP BY performance, from_ms, band;

END;
