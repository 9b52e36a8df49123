-- Exemptions as they were: each from the position that granted it to the one that ended or changed it. Nothing deletes them.
CREATE TABLE exemption_was (
    campaign_id {text} NOT NULL,
    host_id     {text} NOT NULL,
    from_pos    {int}  NOT NULL,
    to_pos      {int}  NOT NULL,
    until_ms    {int}  NOT NULL,
    since_ms    {int}  NOT NULL,
    PRIMARY KEY (campaign_id, host_id, from_pos)
) {strict};

CREATE INDEX exemption_was_end ON exemption_was (campaign_id, until_ms, host_id, from_pos, to_pos);

-- What there is already begins here.
INSERT INTO exemption_was (campaign_id, host_id, from_pos, to_pos, until_ms, since_ms)
    SELECT exemption.campaign_id, exemption.host_id, (SELECT value FROM counter WHERE name = 'pos'), 9223372036854775807, until_ms, since_ms
    FROM exemption;
