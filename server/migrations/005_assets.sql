-- Assets: what imports and persons say of machines, which hosts they are, and where those count that are none.

CREATE TABLE asset (
    -- UUIDv7; sorts by when it was first named.
    asset_id    {text} NOT NULL PRIMARY KEY,
    -- Who names it, and its own id there.
    source      {text} NOT NULL,
    source_key  {text} NOT NULL,
    name        {text} NOT NULL,
    class       {text} NOT NULL,
    -- The mention of a person, or empty; the value lies in `personal`.
    owner       {text} NOT NULL,
    -- JSON of what the source says: site, product, version, health, tenant, last-seen, target, active.
    said        {text} NOT NULL,
    -- JSON of the identifiers by which it is recognised.
    identity    {text} NOT NULL,
    -- JSON of what a person decided, or empty.
    pin         {text} NOT NULL,
    -- JSON of what it is: a host, another record's machine, alone, ambiguous. `is_word` is its kind.
    place       {text} NOT NULL,
    is_word     {text} NOT NULL,
    -- The host that it is; empty where it is none.
    host_id     {text} NOT NULL,
    -- Where it counts; empty where its host, or another record, counts for it.
    bucket      {text} NOT NULL,
    -- What a person attested, by a mention, why (a mention) and until when; empty and NULL where nobody did.
    claim       {text} NOT NULL,
    claimed_by  {text} NOT NULL,
    claimed_why {text} NOT NULL,
    claim_ends_ms {int},
    -- When an attestation ends that counts now.
    wake_at_ms  {int},
    -- The newest import that named it.
    import_id   {text} NOT NULL,
    first_ms    {int}  NOT NULL,
    updated_ms  {int}  NOT NULL,
    -- Since when the source no longer names it.
    missing_ms  {int}
) {strict};

CREATE UNIQUE INDEX asset_source ON asset (source, source_key);
CREATE INDEX asset_import ON asset (source, import_id);
CREATE INDEX asset_is ON asset (is_word, asset_id);
CREATE INDEX asset_host ON asset (host_id, asset_id) WHERE host_id <> '';
CREATE INDEX asset_wake ON asset (wake_at_ms, asset_id) WHERE wake_at_ms IS NOT NULL;

-- By what assets and hosts are recognised. `of_kind` is asset or host.
CREATE TABLE identifier (
    kind     {text} NOT NULL,
    value    {text} NOT NULL,
    of_kind  {text} NOT NULL CHECK (of_kind IN ('asset', 'host')),
    of_id    {text} NOT NULL,
    PRIMARY KEY (kind, value, of_kind, of_id)
) {keyed};

CREATE INDEX identifier_of ON identifier (of_kind, of_id);

-- How many assets are in each bucket; changed in the transaction that changes the asset.
CREATE TABLE asset_total (
    bucket {text} NOT NULL PRIMARY KEY,
    assets {int}  NOT NULL
) {keyed};

-- Who changes what assets are takes this row first, so that an import and an enrolment see each other.
INSERT INTO counter (name, value) VALUES ('assets', 0);
