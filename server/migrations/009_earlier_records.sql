-- What other systems said of machines before anybody looked: attested evidence for what was so at a milestone.
CREATE TABLE earlier_record (
    asset_id    {text} NOT NULL,
    -- The export: what it is called, and hex SHA-256 of the file.
    source      {text} NOT NULL,
    sha256      {text} NOT NULL,
    -- When it was so, as the record says.
    at_ms       {int}  NOT NULL,
    -- `carries` or `clear`.
    says        {text} NOT NULL,
    imported_ms {int}  NOT NULL,
    -- The mention of a person; the name lies in `personal`.
    imported_by {text} NOT NULL,
    PRIMARY KEY (asset_id, sha256)
) {keyed};
