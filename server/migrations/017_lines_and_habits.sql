-- What an order makes its host fetch, over the line of which site, and until when that counts: how much of what lines may carry is
-- taken. Orders from before count for nothing.
ALTER TABLE work_order ADD COLUMN fetches {int} NOT NULL DEFAULT 0;
ALTER TABLE work_order ADD COLUMN line_until_ms {int} NOT NULL DEFAULT 0;
ALTER TABLE work_order ADD COLUMN site {text} NOT NULL DEFAULT '';
ALTER TABLE work_order ADD COLUMN site_until_ms {int} NOT NULL DEFAULT 0;

CREATE INDEX work_order_line ON work_order (campaign_id, line_until_ms);
CREATE INDEX work_order_site ON work_order (campaign_id, site_until_ms);

-- Domain controllers that answer at a site, kept in the transaction that changes their plans: whether one is the only one there.
-- Those of a store from before are in it once their plans change; until then nobody counts on them.
CREATE TABLE domain_controller (
    campaign_id {text} NOT NULL,
    host_id     {text} NOT NULL,
    site        {text} NOT NULL,
    PRIMARY KEY (campaign_id, host_id)
) {keyed};

CREATE TABLE domain_controller_was (
    campaign_id {text} NOT NULL,
    host_id     {text} NOT NULL,
    from_pos    {int}  NOT NULL,
    to_pos      {int}  NOT NULL,
    site        {text} NOT NULL,
    PRIMARY KEY (campaign_id, host_id, from_pos)
) {strict};

-- In which hours of its week each host is usually heard of, by the clock on its wall: a share of one byte for each of 168 hours, how
-- many hours were counted, and the last in which it was heard of, in hours since the epoch by the same clock.
CREATE TABLE host_habit (
    host_id   {text} NOT NULL PRIMARY KEY,
    shares    {blob} NOT NULL,
    counted   {int}  NOT NULL,
    last_hour {int}  NOT NULL
) {keyed};
