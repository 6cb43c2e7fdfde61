-- Version 1. One row per session; everything said, noted, hinted and graded hangs on it and goes with it.
-- A reply that is due but not there (the last turn is the candidate's) was interrupted: it is worded anew from `seed`.

CREATE TABLE session (
    id          TEXT PRIMARY KEY NOT NULL,             -- UUID v7: sorts by time
    round       TEXT NOT NULL,
    level       TEXT NOT NULL,
    problem     TEXT NOT NULL,
    title       TEXT NOT NULL,
    minutes     INTEGER NOT NULL,
    mode        TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('active', 'paused', 'finished')),
    created_at  TEXT NOT NULL,                         -- RFC 3339
    finished_at TEXT,
    elapsed_ms  INTEGER NOT NULL DEFAULT 0,            -- interview clock at the last write
    seed        INTEGER NOT NULL,                      -- the bits of a u64
    asked       TEXT NOT NULL,                         -- what the person chose (NewSession), with resume and posting
    plan        TEXT NOT NULL,                         -- JSON of the plan as it was made
    model       TEXT,                                  -- JSON of ModelInfo: what held the interview
    draft       TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE turn (
    session   TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    seq       INTEGER NOT NULL,
    role      TEXT NOT NULL CHECK (role IN ('interviewer', 'candidate')),
    text      TEXT NOT NULL,
    at_ms     INTEGER NOT NULL,                        -- interview clock
    stored_at TEXT NOT NULL,                           -- RFC 3339
    board     TEXT,                                    -- JSON of the whiteboard, candidate turns only
    seed      INTEGER,                                 -- interviewer turns: the seed it was worded with
    move      TEXT,                                    -- interviewer turns: JSON of the decision behind it
    model     TEXT,                                    -- interviewer turns: sha256 of the model that worded it
    PRIMARY KEY (session, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE note (                                    -- what was heard in a candidate turn
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    seq     INTEGER NOT NULL,
    note    TEXT NOT NULL,                             -- JSON
    PRIMARY KEY (session, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE remark (                                  -- the coach's words on a candidate turn
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    seq     INTEGER NOT NULL,
    text    TEXT NOT NULL,
    PRIMARY KEY (session, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE hint (
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    n       INTEGER NOT NULL,                          -- from 1, in the order taken
    topic   TEXT NOT NULL,
    rung    INTEGER NOT NULL,
    text    TEXT NOT NULL,
    cost    TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (session, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE scorecard (
    session   TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    n         INTEGER NOT NULL,                        -- from 1; never replaced
    stored_at TEXT NOT NULL,
    overall   REAL,                                    -- as in the card; none = no verdict
    card      TEXT NOT NULL,                           -- JSON (CONTRACTS: scorecard)
    PRIMARY KEY (session, n)
) STRICT, WITHOUT ROWID;
