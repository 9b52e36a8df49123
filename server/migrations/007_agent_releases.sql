-- Releases of the agent, and what became of each on each host that it was offered to.

CREATE TABLE agent_release (
    revision      {int}  NOT NULL PRIMARY KEY CHECK (revision > 0),
    -- As its programs say it of themselves.
    version       {text} NOT NULL,
    -- JSON: which artifact for which platform.
    programs      {text} NOT NULL,
    trial_seconds {int}  NOT NULL,
    -- JSON: how many first, how many at once.
    pace          {text} NOT NULL,
    -- offered, halted
    state         {text} NOT NULL CHECK (state IN ('offered', 'halted')),
    -- Why it is halted; empty while it is not.
    why           {text} NOT NULL,
    -- Rises with every offer: what is counted before one is still so when it is made.
    offers        {int}  NOT NULL,
    -- The mention of a person; who it was lies in `personal`.
    made_by       {text} NOT NULL,
    made_ms       {int}  NOT NULL
) {keyed};

CREATE TABLE agent_update (
    revision   {int}  NOT NULL,
    host_id    {text} NOT NULL,
    -- offered, or as the agent says it: tried, in-force, rolled-back, refused.
    state      {text} NOT NULL,
    why        {text} NOT NULL,
    offered_ms {int}  NOT NULL,
    -- When the agent said the last of it.
    told_ms    {int},
    PRIMARY KEY (revision, host_id)
) {keyed};

CREATE INDEX agent_update_state ON agent_update (revision, state, host_id);
