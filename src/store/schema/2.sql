-- Version 2. Spoken answers, and their recordings where the person asked for them.

ALTER TABLE turn ADD COLUMN spoken TEXT;               -- JSON: what was recognised and how long it took, spoken answers only

CREATE TABLE recording (
    session  TEXT NOT NULL,
    turn     INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    audio_ms INTEGER NOT NULL,
    PRIMARY KEY (session, turn),
    FOREIGN KEY (session) REFERENCES session (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE recording_piece (                         -- a recording's bytes in order
    session TEXT NOT NULL,
    turn    INTEGER NOT NULL,
    n       INTEGER NOT NULL,
    bytes   BLOB NOT NULL,
    PRIMARY KEY (session, turn, n),
    FOREIGN KEY (session, turn) REFERENCES recording (session, turn) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
