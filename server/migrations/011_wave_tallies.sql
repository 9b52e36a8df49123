-- What came of orders, for gates and breakers of waves; and when a plan could start at the earliest.

-- What came of the newest order of ours on the host, in which wave and round that counts.
ALTER TABLE plan ADD COLUMN outcome {text} NOT NULL DEFAULT 'none';
ALTER TABLE plan ADD COLUMN tried_in {text} NOT NULL DEFAULT '';
ALTER TABLE plan ADD COLUMN round {int} NOT NULL DEFAULT 0;
-- When a queued plan could start at the earliest, by its own row; 0 is now.
ALTER TABLE plan ADD COLUMN ready_at_ms {int} NOT NULL DEFAULT 0;

DROP INDEX plan_choose;
CREATE INDEX plan_ready ON plan (campaign_id, wave, phase, ready_at_ms, latest_start_ms, host_id);

-- How many plans have each outcome in each wave and round; changed in the transaction that changes the plan.
CREATE TABLE wave_tally (
    campaign_id {text} NOT NULL,
    wave        {text} NOT NULL,
    round       {int}  NOT NULL,
    outcome     {text} NOT NULL,
    hosts       {int}  NOT NULL,
    PRIMARY KEY (campaign_id, wave, round, outcome)
) {keyed};
