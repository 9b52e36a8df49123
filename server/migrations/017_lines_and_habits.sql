-- What an order makes its host fetch, over the line of which site, and until when that counts: how much of what lines may carry is
-- taken. Orders from before count for nothing.
ALTER TABLE work_order ADD COLUMN fetches {int} NOT NULL DEFAULT 0;
ALTER TABLE work_order ADD COLUMN line_until_ms {int} NOT NULL DEFAULT 0;
ALTER TABLE work_order ADD COLUMN site {text} NOT NULL DEFAULT '';
ALTER TABLE work_order ADD COLUMN site_until_ms {int} NOT NULL DEFAULT 0;

CREATE INDEX work_order_line ON work_order (campaign_id, line_until_ms);
CREATE INDEX work_order_site ON work_order (campaign_id, site_until_ms);
