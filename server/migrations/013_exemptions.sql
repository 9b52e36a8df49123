-- Exemptions that are in force, by their end: what a listing shows without a look at every plan. The plan's row has the whole of
-- each; this one is kept in the transaction that changes it.
CREATE TABLE exemption (
    campaign_id {text} NOT NULL,
    host_id     {text} NOT NULL,
    -- The greatest integer where it holds until it is revoked.
    until_ms    {int}  NOT NULL,
    since_ms    {int}  NOT NULL,
    PRIMARY KEY (campaign_id, host_id)
) {keyed};

CREATE INDEX exemption_end ON exemption (campaign_id, until_ms, host_id);
