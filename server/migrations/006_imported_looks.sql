-- Looks that people carried to the server: signed scans, and what the collector wrote. Kept byte for byte.

CREATE TABLE imported_look (
    -- Lower-case hex of SHA-256 over the file: the same file is the same look.
    sha256            {text} NOT NULL PRIMARY KEY,
    -- `collected`, `signed` or `host-key`, and the id of the key; empty where nobody signed.
    vouched           {text} NOT NULL,
    key_id            {text} NOT NULL,
    -- Whose look it is: an asset's, or that of the enrolled host whose key signed it. The other is empty.
    asset_id          {text} NOT NULL,
    host_id           {text} NOT NULL,
    file_name         {text} NOT NULL,
    -- By the machine's clock, and by the server's.
    taken_ms          {int}  NOT NULL,
    imported_ms       {int}  NOT NULL,
    -- The mention of a person; the name lies in `personal`.
    imported_by       {text} NOT NULL,
    -- What judged it.
    rules_revision    {int}  NOT NULL,
    catalog_revision  {int}  NOT NULL,
    campaign_version  {int}  NOT NULL,
    found             {text} NOT NULL,
    -- JSON of the inventory that was judged: facts, verdict for each product, evidence.
    inventory         {text} NOT NULL,
    -- The file as it was.
    bytes             {blob} NOT NULL
) {strict};

CREATE INDEX imported_look_asset ON imported_look (asset_id, taken_ms) WHERE asset_id <> '';
CREATE INDEX imported_look_host ON imported_look (host_id, taken_ms) WHERE host_id <> '';

-- JSON of the newest look at this record itself, and of the one that decides about its machine; empty where there is none.
ALTER TABLE asset ADD COLUMN look {text} NOT NULL DEFAULT '';
ALTER TABLE asset ADD COLUMN seen {text} NOT NULL DEFAULT '';
-- When it was attested.
ALTER TABLE asset ADD COLUMN claimed_ms {int};
