"""Numbered migrations of the store. Never change one that was released: add the next.

Applied names stand in the table `migrations`; `PRAGMA user_version` counts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema: `name` is unique and ordered, `script` is plain SQL, statements ended by
    `;`."""

    name: str
    script: str

    def statements(self) -> list[str]:
        """The statements one by one, so that all of them run in one transaction."""
        return [statement for part in self.script.split(";\n") if (statement := part.strip())]


RECORDS: Final = Migration(
    "0001_records",
    # A second delivery of a record has the same start, so uniqueness is held by an index in the order of
    # time, which grows at its end. An index of the random ids alone would make every insert write another
    # page: 6 KB a call.
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

    CREATE TABLE records (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL, ts_ns INTEGER NOT NULL, duration_ns INTEGER NOT NULL, level TEXT NOT NULL,
        extra TEXT,
        record_id TEXT NOT NULL, trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_id TEXT,
        name TEXT NOT NULL, end_ns INTEGER NOT NULL, status TEXT NOT NULL, error_type TEXT,
        error_message TEXT, service TEXT, environment TEXT, session_id TEXT, agent TEXT, agent_type TEXT,
        agent_version TEXT, project TEXT, "user" TEXT, task_type TEXT,
        operation TEXT, provider TEXT, model TEXT, tool TEXT, outcome TEXT, first_token_s REAL,
        input_tokens INTEGER, output_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER,
        reasoning_tokens INTEGER, estimated INTEGER, priced INTEGER, cost_usd TEXT, store TEXT, found INTEGER,
        loop_count INTEGER, decision_type TEXT, selected TEXT, confidence REAL, "check" TEXT, passed INTEGER,
        tokens INTEGER, target TEXT, label TEXT
    );
    CREATE UNIQUE INDEX records_once ON records (ts_ns, record_id);
    CREATE INDEX records_by_trace ON records (trace_id);
    CREATE INDEX records_by_session ON records (session_id, ts_ns);
    CREATE INDEX records_by_kind ON records (kind, ts_ns);
    CREATE INDEX records_by_agent ON records (agent, ts_ns);
    CREATE INDEX records_errors ON records (ts_ns) WHERE status = 'error';
    CREATE INDEX records_roots ON records (ts_ns) WHERE parent_id IS NULL;

    CREATE TABLE payloads (id INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, body NOT NULL);

    CREATE TABLE ledger (
        id INTEGER PRIMARY KEY, record_id TEXT NOT NULL, ts_ns INTEGER NOT NULL,
        trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_id TEXT, service TEXT, environment TEXT,
        session_id TEXT, agent TEXT, agent_type TEXT, agent_version TEXT, project TEXT, "user" TEXT,
        task_type TEXT, status TEXT NOT NULL, provider TEXT, model TEXT,
        tokens_input INTEGER NOT NULL, tokens_output INTEGER NOT NULL, tokens_cache_read INTEGER NOT NULL,
        tokens_cache_write INTEGER NOT NULL, tokens_reasoning INTEGER NOT NULL, tokens_total INTEGER NOT NULL,
        priced INTEGER NOT NULL, estimated INTEGER NOT NULL, service_tier TEXT, price_source TEXT,
        cost_per_input_token TEXT, cost_per_output_token TEXT, total_cost_usd TEXT, cost_pico INTEGER
    );
    CREATE UNIQUE INDEX ledger_once ON ledger (ts_ns, record_id);
    CREATE INDEX ledger_by_session ON ledger (session_id);

    CREATE TABLE sessions (
        session_id TEXT NOT NULL, span_id TEXT NOT NULL, trace_id TEXT NOT NULL, record_id TEXT NOT NULL,
        agent TEXT, agent_type TEXT, agent_version TEXT, project TEXT, "user" TEXT, task_type TEXT,
        service TEXT, environment TEXT, status TEXT NOT NULL, outcome TEXT, error_type TEXT,
        error_message TEXT, started_ns INTEGER NOT NULL, ended_ns INTEGER, last_progress_ns INTEGER NOT NULL,
        PRIMARY KEY (session_id, span_id)
    ) WITHOUT ROWID;
    CREATE INDEX sessions_by_start ON sessions (started_ns);
    CREATE INDEX sessions_by_status ON sessions (status, started_ns);
    """,
)

SEARCH: Final = Migration(
    "0002_search",
    # Trigrams find parts of identifiers and text without spaces between words, which a word index cannot.
    # Without positions (detail = none) the index costs half the time and a fifth of the space;
    # `search.find` checks the text.
    """
    CREATE VIRTUAL TABLE search
        USING fts5 (text, content = '', detail = none, columnsize = 0, tokenize = 'trigram');
    INSERT INTO meta (key, value) VALUES ('indexed_to', 0);
    """,
)

QUICK_SUMS: Final = Migration(
    "0003_quick_sums",
    # What statistics read stands in the index by kind, so that they need not visit half a million wide rows. Rows are
    # stored in the order of time, hence its entries go where the last ones went: 2% more to store, 3% more space.
    """
    DROP INDEX records_by_kind;
    CREATE INDEX records_by_kind ON records (
        kind, ts_ns, status, level, agent, tool, model, duration_ns, first_token_s, loop_count, confidence, passed
    );

    CREATE TABLE ledger_hours (
        hour_ns INTEGER NOT NULL, agent TEXT, project TEXT, task_type TEXT, service TEXT, environment TEXT,
        model TEXT, status TEXT NOT NULL,
        calls INTEGER NOT NULL, estimated_calls INTEGER NOT NULL, unpriced_calls INTEGER NOT NULL,
        beyond INTEGER NOT NULL, exact_pico INTEGER NOT NULL, estimated_pico INTEGER NOT NULL,
        tokens_input INTEGER NOT NULL, tokens_output INTEGER NOT NULL, tokens_cache_read INTEGER NOT NULL,
        tokens_cache_write INTEGER NOT NULL, tokens_reasoning INTEGER NOT NULL, tokens_total INTEGER NOT NULL
    );
    CREATE INDEX ledger_hours_by_hour ON ledger_hours (hour_ns);
    INSERT INTO meta (key, value) VALUES ('summed_to', 0);
    """,
)

CONTENTS: Final = Migration(
    "0004_contents",
    # A number is never given out twice: what a damaged file has lost must not become something else.
    """
    CREATE TABLE contents (
        id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL, refs INTEGER NOT NULL, mark TEXT, body NOT NULL
    );
    CREATE UNIQUE INDEX contents_once ON contents (hash);
    INSERT INTO meta (key, value) VALUES ('content_key', randomblob(32));
    """,
)

MIGRATIONS: Final = (RECORDS, SEARCH, QUICK_SUMS, CONTENTS)
"""Every migration, oldest first."""
