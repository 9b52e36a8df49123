-- Secrets that orders may need one day: uninstall passwords, tenants' tokens, onboarding files. One row for each revision; a later one
-- takes the place of the one before, whose bytes are overwritten then. What is sealed opens with the server's key file alone, which
-- does not lie in the database.
CREATE TABLE secret (
    product    {text} NOT NULL,
    name       {text} NOT NULL,
    -- From 1. A number is never given twice, also not after a removal: hosts are remembered by it.
    revision   {int}  NOT NULL,
    -- How many values it has; the first is tried first.
    candidates {int}  NOT NULL,
    -- Which key sealed it.
    key_id     {text} NOT NULL,
    -- Zeros of the same length once it was replaced or removed.
    sealed     {blob} NOT NULL,
    -- `kept`, or `gone` once it was replaced or removed. Of one length, so that SQLite writes the row over itself.
    state      {text} NOT NULL,
    set_ms     {int}  NOT NULL,
    -- The mention of a person; the name lies in `personal`.
    set_by     {text} NOT NULL,
    PRIMARY KEY (product, name, revision)
) {keyed};
