-- Pools of machines that come and go from one image (VDI): each pool has one plan, under a record of its own.

CREATE TABLE image_pool (
    name       {text} NOT NULL PRIMARY KEY,
    -- Under which the pool has its plan; no machine speaks by it.
    host_id    {text} NOT NULL,
    created_ms {int}  NOT NULL
) {keyed};

CREATE UNIQUE INDEX image_pool_host ON image_pool (host_id);

-- Tokens by which machines of a pool enrol; the rest of a token lies in `enrol_token`.
CREATE TABLE image_pool_token (
    token_hash {text} NOT NULL PRIMARY KEY,
    pool       {text} NOT NULL,
    image      {text} NOT NULL,
    -- Who answers for the image.
    owner      {text} NOT NULL,
    -- How long another image may take.
    within_ms  {int}  NOT NULL
) {keyed};

CREATE TABLE image_pool_member (
    host_id          {text} NOT NULL PRIMARY KEY,
    pool             {text} NOT NULL,
    image            {text} NOT NULL,
    enrolled_ms      {int}  NOT NULL,
    seen_ms          {int}  NOT NULL,
    -- Its newest look, how far from done that is, and by which version of the campaign; null before the first.
    digest           {text},
    distance         {int},
    campaign_version {int}
) {keyed};

CREATE INDEX image_pool_member_seen ON image_pool_member (pool, seen_ms);
