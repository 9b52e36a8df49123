-- What holds hosts up by a cause of their own, counted, and how many were done each day: what `blockers` ranks without reading
-- the fleet.

-- One row for each plan that has a cause, with the phase and the wave in which it has it.
CREATE TABLE plan_cause (
    campaign_id {text} NOT NULL,
    host_id     {text} NOT NULL,
    cause       {text} NOT NULL,
    phase       {text} NOT NULL,
    wave        {text} NOT NULL,
    PRIMARY KEY (campaign_id, host_id)
) {keyed};

CREATE INDEX plan_cause_hosts ON plan_cause (campaign_id, cause, host_id);

-- How many plans have each; changed in the transaction that changes the plan.
CREATE TABLE cause_total (
    campaign_id {text} NOT NULL,
    cause       {text} NOT NULL,
    phase       {text} NOT NULL,
    wave        {text} NOT NULL,
    hosts       {int}  NOT NULL,
    PRIMARY KEY (campaign_id, cause, phase, wave)
) {keyed};

-- How many hosts came to migrated on each day of the campaign's zone, `2026-11-30`.
CREATE TABLE done_day (
    campaign_id {text} NOT NULL,
    day         {text} NOT NULL,
    hosts       {int}  NOT NULL,
    PRIMARY KEY (campaign_id, day)
) {keyed};
