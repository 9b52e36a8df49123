-- What does not fit together: a host's own looks, and what other systems say of the same machine. Kept in the transaction of the
-- change, so that a listing never scans the fleet.
CREATE TABLE finding (
    -- The host, or the asset that stands for a machine without agent; `of_kind` is host or asset.
    of_id    {text} NOT NULL,
    of_kind  {text} NOT NULL CHECK (of_kind IN ('asset', 'host')),
    kind     {text} NOT NULL,
    -- Who says otherwise.
    source   {text} NOT NULL,
    detail   {text} NOT NULL,
    since_ms {int}  NOT NULL,
    PRIMARY KEY (of_id, kind, source)
) {keyed};
