-- Several machines under one identity: which kernel sessions spoke, what was noticed, and which hosts came of it.

-- Written when a session speaks for the first time or comes back, not at every check-in.
CREATE TABLE host_session (
    host_id   {text} NOT NULL,
    boot_id   {text} NOT NULL,
    first_ms  {int}  NOT NULL,
    last_ms   {int}  NOT NULL,
    first_run {int}  NOT NULL,
    last_run  {int}  NOT NULL,
    PRIMARY KEY (host_id, boot_id)
) {keyed};

CREATE INDEX host_session_run ON host_session (host_id, last_run);

-- One incident for all machines of one identity.
CREATE TABLE clone_incident (
    host_id    {text} NOT NULL PRIMARY KEY,
    opened_ms  {int}  NOT NULL,
    -- From then on nobody gets another identity by this one.
    refused_ms {int}
) {keyed};

-- Who went its own way: at most one host for each kernel session.
CREATE TABLE clone_member (
    ancestor_id {text} NOT NULL,
    boot_id     {text} NOT NULL,
    host_id     {text} NOT NULL,
    at_ms       {int}  NOT NULL,
    -- When an operator decided about it.
    settled_ms  {int},
    PRIMARY KEY (ancestor_id, boot_id)
) {keyed};

CREATE UNIQUE INDEX clone_member_host ON clone_member (host_id);
