-- Rows as they were: each version of what answers a question as of an instant, from the position that made it to the one that ended it.
-- A transaction writes them last, when its position is known. Nothing deletes them.

-- When the store was at a position, told by the last event of each transaction. Events from before have none: nothing can be
-- answered as of then.
ALTER TABLE event ADD COLUMN moment_ms {int};
CREATE INDEX event_moment ON event (moment_ms, pos) WHERE moment_ms IS NOT NULL;

-- The newest moment, beside `pos`.
ALTER TABLE counter ADD COLUMN moment_ms {int} NOT NULL DEFAULT 0;

-- from_pos is the transaction that made the row so, to_pos the one that made it otherwise, or the greatest integer.
CREATE TABLE plan_was (
    campaign_id     {text} NOT NULL,
    host_id         {text} NOT NULL,
    from_pos        {int}  NOT NULL,
    to_pos          {int}  NOT NULL,
    seq             {int}  NOT NULL,
    phase           {text} NOT NULL,
    wave            {text} NOT NULL,
    site            {text} NOT NULL,
    stale           {int}  NOT NULL,
    late            {int}  NOT NULL,
    closed          {int}  NOT NULL,
    carried         {int}  NOT NULL,
    cover           {text} NOT NULL,
    state           {text} NOT NULL,
    wake_at_ms      {int},
    latest_start_ms {int}  NOT NULL,
    updated_ms      {int}  NOT NULL,
    outcome         {text} NOT NULL,
    tried_in        {text} NOT NULL,
    round           {int}  NOT NULL,
    ready_at_ms     {int}  NOT NULL,
    PRIMARY KEY (campaign_id, host_id, from_pos)
) {strict};

CREATE INDEX plan_was_phase ON plan_was (campaign_id, phase, host_id, from_pos, to_pos);

CREATE TABLE host_was (
    host_id          {text} NOT NULL,
    from_pos         {int}  NOT NULL,
    to_pos           {int}  NOT NULL,
    created_ms       {int}  NOT NULL,
    name             {text} NOT NULL,
    name_key         {text} NOT NULL,
    site             {text},
    tags             {text} NOT NULL,
    facts            {text} NOT NULL,
    reported         {text} NOT NULL,
    agent_version    {text} NOT NULL,
    rules_revision   {int}  NOT NULL,
    inventory_digest {text},
    inventory_at_ms  {int},
    PRIMARY KEY (host_id, from_pos)
) {strict};

CREATE INDEX host_was_name ON host_was (name_key, host_id, from_pos);

CREATE TABLE campaign_was (
    campaign_id {text} NOT NULL,
    from_pos    {int}  NOT NULL,
    to_pos      {int}  NOT NULL,
    seq         {int}  NOT NULL,
    version     {int}  NOT NULL,
    epoch       {int}  NOT NULL,
    mode        {text} NOT NULL,
    state       {text} NOT NULL,
    body        {text} NOT NULL,
    progress    {text} NOT NULL,
    created_ms  {int}  NOT NULL,
    updated_ms  {int}  NOT NULL,
    PRIMARY KEY (campaign_id, from_pos)
) {strict};

-- Figures: the newest of a key at or before a position holds there.
CREATE TABLE total_was (
    campaign_id {text} NOT NULL,
    phase       {text} NOT NULL,
    wave        {text} NOT NULL,
    site        {text} NOT NULL,
    stale       {int}  NOT NULL,
    late        {int}  NOT NULL,
    closed      {int}  NOT NULL,
    carried     {int}  NOT NULL,
    cover       {text} NOT NULL,
    from_pos    {int}  NOT NULL,
    hosts       {int}  NOT NULL,
    PRIMARY KEY (campaign_id, phase, wave, site, stale, late, closed, carried, cover, from_pos)
) {keyed};

CREATE TABLE wave_tally_was (
    campaign_id {text} NOT NULL,
    wave        {text} NOT NULL,
    round       {int}  NOT NULL,
    outcome     {text} NOT NULL,
    from_pos    {int}  NOT NULL,
    hosts       {int}  NOT NULL,
    PRIMARY KEY (campaign_id, wave, round, outcome, from_pos)
) {keyed};

CREATE TABLE slot_was (
    campaign_id {text} NOT NULL,
    name        {text} NOT NULL,
    from_pos    {int}  NOT NULL,
    used        {int}  NOT NULL,
    cap         {int}  NOT NULL,
    PRIMARY KEY (campaign_id, name, from_pos)
) {keyed};

CREATE TABLE asset_total_was (
    bucket   {text} NOT NULL,
    from_pos {int}  NOT NULL,
    assets   {int}  NOT NULL,
    PRIMARY KEY (bucket, from_pos)
) {keyed};

-- By what the server answers, beside rows: the revision of its catalog.
CREATE TABLE in_force (
    name  {text} NOT NULL PRIMARY KEY,
    value {int}  NOT NULL
) {keyed};

CREATE TABLE in_force_was (
    name     {text} NOT NULL,
    from_pos {int}  NOT NULL,
    value    {int}  NOT NULL,
    PRIMARY KEY (name, from_pos)
) {keyed};

-- Times in which nothing was heard of a host, longer than a queued host may be silent. last_ms is its last sign before (0: none
-- ever), until_ms when the next one was written. The silence that lasts is in `host_seen`.
CREATE TABLE host_silence (
    host_id  {text} NOT NULL,
    last_ms  {int}  NOT NULL,
    until_ms {int}  NOT NULL,
    PRIMARY KEY (host_id, last_ms)
) {keyed};

-- What there is already begins here.
INSERT INTO plan_was (campaign_id, host_id, from_pos, to_pos, seq, phase, wave, site, stale, late, closed, carried, cover, state,
        wake_at_ms, latest_start_ms, updated_ms, outcome, tried_in, round, ready_at_ms)
    SELECT campaign_id, host_id, (SELECT value FROM counter WHERE name = 'pos'), 9223372036854775807, seq, phase, wave, site,
        stale, late, closed, carried, cover, state, wake_at_ms, latest_start_ms, updated_ms, outcome, tried_in, round, ready_at_ms
    FROM plan;
INSERT INTO host_was (host_id, from_pos, to_pos, created_ms, name, name_key, site, tags, facts, reported, agent_version,
        rules_revision, inventory_digest, inventory_at_ms)
    SELECT host_id, (SELECT value FROM counter WHERE name = 'pos'), 9223372036854775807, created_ms, name, name_key, site, tags,
        facts, reported, agent_version, rules_revision, inventory_digest, inventory_at_ms
    FROM host;
INSERT INTO campaign_was (campaign_id, from_pos, to_pos, seq, version, epoch, mode, state, body, progress, created_ms, updated_ms)
    SELECT campaign_id, (SELECT value FROM counter WHERE name = 'pos'), 9223372036854775807, seq, version, epoch, mode, state,
        body, progress, created_ms, updated_ms
    FROM campaign;
INSERT INTO total_was (campaign_id, phase, wave, site, stale, late, closed, carried, cover, from_pos, hosts)
    SELECT campaign_id, phase, wave, site, stale, late, closed, carried, cover, (SELECT value FROM counter WHERE name = 'pos'), hosts
    FROM total;
INSERT INTO wave_tally_was (campaign_id, wave, round, outcome, from_pos, hosts)
    SELECT campaign_id, wave, round, outcome, (SELECT value FROM counter WHERE name = 'pos'), hosts FROM wave_tally;
INSERT INTO slot_was (campaign_id, name, from_pos, used, cap)
    SELECT campaign_id, name, (SELECT value FROM counter WHERE name = 'pos'), used, cap FROM slot;
INSERT INTO asset_total_was (bucket, from_pos, assets)
    SELECT bucket, (SELECT value FROM counter WHERE name = 'pos'), assets FROM asset_total;
