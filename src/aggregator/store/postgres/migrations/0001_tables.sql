-- What regions did, as the centre has applied it. Every table begins its key with the region, so that Citus
-- (create_distributed_table(…, 'region')), YugabyteDB and CockroachDB can spread regions over machines, and every statement
-- names one region. Nothing is used that these three and PostgreSQL don't share: no sequences, triggers, advisory locks.
-- Every statement may be repeated: not every server takes back a half-done migration.

-- How far each region's log is applied; sequence -1 while the region is being forgotten.
CREATE TABLE IF NOT EXISTS region_cursors (
    region    text   NOT NULL,
    epoch     bigint NOT NULL,
    sequence  bigint NOT NULL,
    hash      bytea  NOT NULL,
    PRIMARY KEY (region)
);

-- Every order, open and closed, as it is now. packed: business day, epoch and number; larger is newer.
CREATE TABLE IF NOT EXISTS orders (
    region        text        NOT NULL,
    packed        bigint      NOT NULL,
    id            text        NOT NULL,
    store         text        NOT NULL,
    status        text        NOT NULL,
    business_day  date        NOT NULL,
    created_at    timestamptz NOT NULL,
    payable       bigint      NOT NULL,
    currency      text        NOT NULL,
    closed        boolean     NOT NULL,
    doc           text        NOT NULL,
    PRIMARY KEY (region, packed)
);

CREATE INDEX IF NOT EXISTS orders_by_store ON orders (region, store, packed);

CREATE INDEX IF NOT EXISTS orders_by_status ON orders (region, status, packed);

CREATE INDEX IF NOT EXISTS orders_by_time ON orders (region, created_at);

-- minute: minutes since 1970 in UTC.
CREATE TABLE IF NOT EXISTS minute_figures (
    region        text   NOT NULL,
    minute        bigint NOT NULL,
    placed        bigint NOT NULL,
    paid          bigint NOT NULL,
    revenue       bigint NOT NULL,
    accepted      bigint NOT NULL,
    ready         bigint NOT NULL,
    collected     bigint NOT NULL,
    cancelled     bigint NOT NULL,
    rejected      bigint NOT NULL,
    wait_seconds  bigint NOT NULL,
    waits         bigint NOT NULL,
    PRIMARY KEY (region, minute)
);

CREATE TABLE IF NOT EXISTS store_day_figures (
    region        text   NOT NULL,
    business_day  date   NOT NULL,
    store         text   NOT NULL,
    placed        bigint NOT NULL,
    paid          bigint NOT NULL,
    revenue       bigint NOT NULL,
    accepted      bigint NOT NULL,
    ready         bigint NOT NULL,
    collected     bigint NOT NULL,
    cancelled     bigint NOT NULL,
    rejected      bigint NOT NULL,
    wait_seconds  bigint NOT NULL,
    waits         bigint NOT NULL,
    PRIMARY KEY (region, business_day, store)
);

-- The first sequence of every ten seconds (seconds since 1970 / 10): where to look in the log for a time.
CREATE TABLE IF NOT EXISTS ticks (
    region    text   NOT NULL,
    tick      bigint NOT NULL,
    sequence  bigint NOT NULL,
    PRIMARY KEY (region, tick)
);
