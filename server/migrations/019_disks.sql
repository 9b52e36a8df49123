-- What people attest of hosts' disks, where no look can tell who encrypts them, by its end: what a listing shows without a look at
-- every plan. The plan's row has the whole of each; this one is kept in the transaction that changes it.
CREATE TABLE disk_attestation (
    campaign_id {text} NOT NULL,
    host_id     {text} NOT NULL,
    until_ms    {int}  NOT NULL,
    -- Server time of its newest signature.
    since_ms    {int}  NOT NULL,
    PRIMARY KEY (campaign_id, host_id)
) {keyed};

CREATE INDEX disk_attestation_end ON disk_attestation (campaign_id, until_ms, host_id);

-- Each as it was, from the position that made it so to the one that ended or changed it. Nothing deletes them.
CREATE TABLE disk_attestation_was (
    campaign_id {text} NOT NULL,
    host_id     {text} NOT NULL,
    from_pos    {int}  NOT NULL,
    to_pos      {int}  NOT NULL,
    until_ms    {int}  NOT NULL,
    since_ms    {int}  NOT NULL,
    PRIMARY KEY (campaign_id, host_id, from_pos)
) {strict};

CREATE INDEX disk_attestation_was_end ON disk_attestation_was (campaign_id, until_ms, host_id, from_pos, to_pos);

-- What an imported report says of a machine's disks: of each record the newest. Who imported it says so as one person.
CREATE TABLE disk_report (
    asset_id    {text} NOT NULL PRIMARY KEY,
    -- Hex SHA-256 of the file.
    sha256      {text} NOT NULL,
    -- `by-target`, or a word of an attestation.
    says        {text} NOT NULL,
    -- When the source last heard of the machine; NULL where it does not say.
    seen_ms     {int},
    imported_ms {int}  NOT NULL,
    -- The mention of a person; the name lies in `personal`.
    imported_by {text} NOT NULL
) {keyed};
