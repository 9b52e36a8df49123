-- Hosts that were asked to leave, and what they said last. A host is asked by one request until it has answered; after that it
-- has left, and its row says so until it enrols again; its events keep what it said.
CREATE TABLE last_statement (
    host_id     {text} NOT NULL PRIMARY KEY,
    -- What the statement answers.
    request_id  {text} NOT NULL,
    asked_ms    {int}  NOT NULL,
    -- Hex of SHA-256 over the body; NULL until it has answered.
    digest      {text},
    -- As it was signed; NULL until it has answered.
    envelope    {blob},
    received_ms {int}
) {keyed};
