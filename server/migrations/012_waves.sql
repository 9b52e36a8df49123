-- Which wave an order was issued in: how many hosts of a campaign, and of a wave, were started within an hour.
ALTER TABLE work_order ADD COLUMN wave {text} NOT NULL DEFAULT '';

CREATE INDEX work_order_issued ON work_order (campaign_id, issued_ms);
CREATE INDEX work_order_wave ON work_order (campaign_id, wave, issued_ms);
