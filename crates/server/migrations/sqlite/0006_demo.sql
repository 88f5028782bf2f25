-- One row where this folder was filled by `onsale demo`: only there may anybody switch simulated
-- fans on and off (performances.simulated_fans).
CREATE TABLE demo (
    one        INTEGER NOT NULL PRIMARY KEY CHECK (one = 1)
) STRICT;
