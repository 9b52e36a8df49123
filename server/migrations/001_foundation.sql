-- The first schema. One text for both databases; the words in braces are tokens of the runner (store/migrate.rs):
--   {text} {int} {blob}   column types; text compares byte by byte on both
--   {strict}              after a table: types are enforced on SQLite too
--   {keyed}               the same, and rows lie in the order of the primary key (narrow tables)
--
-- Columns ending in _ms are milliseconds since 1970-01-01T00:00:00Z; "agent" in a name means a host's own clock, which
-- decides no deadline. Flags are 0 or 1. JSON lies in {text} and is read by the program, never by SQL. There are no
-- foreign keys: streams outlive rows, and on PostgreSQL each would lock its parent in every transaction.
-- Rows are touched in the order: stream and the rows of its subject, slots, totals, pos.

CREATE TABLE meta (
    key   {text} NOT NULL PRIMARY KEY,
    value {text} NOT NULL
) {keyed};

-- Counters that may have no gaps. 'pos' orders all events and is taken last in a transaction.
CREATE TABLE counter (
    name  {text} NOT NULL PRIMARY KEY,
    value {int}  NOT NULL
) {keyed};

INSERT INTO counter (name, value) VALUES ('pos', 0);

-- The head of each stream guards it: appending compares and sets seq.
CREATE TABLE stream (
    stream {text} NOT NULL PRIMARY KEY,
    seq    {int}  NOT NULL,
    hash   {blob} NOT NULL
) {keyed};

CREATE TABLE event (
    stream         {text} NOT NULL,
    seq            {int}  NOT NULL,
    pos            {int}  NOT NULL,
    kind           {text} NOT NULL,
    schema_version {int}  NOT NULL,
    body           {text} NOT NULL,
    at_ms          {int}  NOT NULL,
    agent_at_ms    {int},
    prev_hash      {blob} NOT NULL,
    hash           {blob} NOT NULL,
    PRIMARY KEY (stream, seq)
) {strict};

CREATE UNIQUE INDEX event_pos ON event (pos);

-- Personal values that events name only by digest; erasing a row leaves the chain whole.
CREATE TABLE personal (
    digest {text} NOT NULL PRIMARY KEY,
    stream {text} NOT NULL,
    field  {text} NOT NULL,
    salt   {blob} NOT NULL,
    value  {text} NOT NULL
) {strict};

CREATE INDEX personal_stream ON personal (stream, field);

CREATE TABLE host (
    host_id           {text} NOT NULL PRIMARY KEY,
    created_ms        {int}  NOT NULL,
    name              {text} NOT NULL,
    name_key          {text} NOT NULL,
    site              {text},
    tags              {text} NOT NULL,
    facts             {text} NOT NULL,
    reported          {text} NOT NULL,
    agent_version     {text} NOT NULL,
    rules_revision    {int}  NOT NULL,
    inventory_digest  {text},
    inventory_at_ms   {int},
    sealing_key       {blob},
    next_order_number {int}  NOT NULL,
    highest_begun     {int}  NOT NULL
) {strict};

CREATE INDEX host_name ON host (name_key, host_id);

-- Which key speaks for which host. Asked at every call.
CREATE TABLE host_key (
    spki_hash   {text} NOT NULL PRIMARY KEY,
    host_id     {text} NOT NULL,
    from_ms     {int}  NOT NULL,
    to_ms       {int}  NOT NULL,
    revoked_ms  {int},
    certificate {blob} NOT NULL
) {strict};

CREATE INDEX host_key_host ON host_key (host_id, from_ms);

-- Narrow, and written in batches.
CREATE TABLE host_seen (
    host_id           {text} NOT NULL PRIMARY KEY,
    seen_ms           {int}  NOT NULL,
    boot_id           {text} NOT NULL,
    looked_agent_ms   {int}
) {keyed};

CREATE INDEX host_seen_at ON host_seen (seen_ms);

CREATE TABLE inventory (
    host_id     {text} NOT NULL,
    digest      {text} NOT NULL,
    taken_agent_ms {int} NOT NULL,
    received_ms {int}  NOT NULL,
    envelope    {blob} NOT NULL,
    PRIMARY KEY (host_id, digest)
) {strict};

CREATE INDEX inventory_received ON inventory (host_id, received_ms);

CREATE TABLE work_order (
    host_id     {text} NOT NULL,
    number      {int}  NOT NULL,
    campaign_id {text} NOT NULL,
    attempt     {int}  NOT NULL,
    epoch       {int}  NOT NULL,
    state       {text} NOT NULL CHECK (state IN ('issued', 'fetched', 'closed', 'withdrawn')),
    body        {blob} NOT NULL,
    envelope    {blob},
    cancel      {blob},
    issued_ms   {int}  NOT NULL,
    fetched_ms  {int},
    ended_ms    {int},
    expires_ms  {int}  NOT NULL,
    outcome     {text},
    PRIMARY KEY (host_id, number)
) {strict};

-- At most one order is open on a host, whatever the campaign.
CREATE UNIQUE INDEX work_order_open ON work_order (host_id) WHERE state IN ('issued', 'fetched');
CREATE INDEX work_order_campaign ON work_order (campaign_id, state, issued_ms);

CREATE TABLE step_record (
    host_id      {text} NOT NULL,
    order_number {int}  NOT NULL,
    sequence     {int}  NOT NULL,
    received_ms  {int}  NOT NULL,
    event        {text} NOT NULL,
    step         {int}  NOT NULL,
    envelope     {blob} NOT NULL,
    PRIMARY KEY (host_id, order_number, sequence)
) {strict};

CREATE TABLE campaign (
    campaign_id {text} NOT NULL PRIMARY KEY,
    seq         {int}  NOT NULL,
    version     {int}  NOT NULL,
    epoch       {int}  NOT NULL,
    mode        {text} NOT NULL,
    state       {text} NOT NULL,
    body        {text} NOT NULL,
    progress    {text} NOT NULL,
    created_ms  {int}  NOT NULL,
    updated_ms  {int}  NOT NULL
) {strict};

CREATE TABLE campaign_version (
    campaign_id      {text} NOT NULL,
    version          {int}  NOT NULL,
    catalog_revision {int}  NOT NULL,
    made_ms          {int}  NOT NULL,
    made_by          {text} NOT NULL,
    body             {text} NOT NULL,
    PRIMARY KEY (campaign_id, version)
) {strict};

-- One host in one campaign. wave and site are '' where there is none; latest_start_ms is the greatest integer where
-- the host has no latest safe start, so that least slack first is the order of an index.
CREATE TABLE plan (
    campaign_id     {text} NOT NULL,
    host_id         {text} NOT NULL,
    seq             {int}  NOT NULL,
    phase           {text} NOT NULL,
    wave            {text} NOT NULL,
    site            {text} NOT NULL,
    stale           {int}  NOT NULL CHECK (stale IN (0, 1)),
    late            {int}  NOT NULL CHECK (late IN (0, 1)),
    closed          {int}  NOT NULL CHECK (closed IN (0, 1)),
    carried         {int}  NOT NULL CHECK (carried IN (0, 1)),
    cover           {text} NOT NULL,
    state           {text} NOT NULL,
    wake_at_ms      {int},
    latest_start_ms {int}  NOT NULL,
    updated_ms      {int}  NOT NULL,
    PRIMARY KEY (campaign_id, host_id)
) {strict};

CREATE INDEX plan_wake ON plan (wake_at_ms, campaign_id, host_id) WHERE wake_at_ms IS NOT NULL;
CREATE INDEX plan_choose ON plan (campaign_id, wave, phase, latest_start_ms, host_id);
CREATE INDEX plan_phase ON plan (campaign_id, phase, host_id);
CREATE INDEX plan_host ON plan (host_id, campaign_id);

-- How many plans are in each bucket; changed in the transaction that changes the plan.
CREATE TABLE total (
    campaign_id {text} NOT NULL,
    phase       {text} NOT NULL,
    wave        {text} NOT NULL,
    site        {text} NOT NULL,
    stale       {int}  NOT NULL,
    late        {int}  NOT NULL,
    closed      {int}  NOT NULL,
    carried     {int}  NOT NULL,
    cover       {text} NOT NULL,
    hosts       {int}  NOT NULL,
    PRIMARY KEY (campaign_id, phase, wave, site, stale, late, closed, carried, cover)
) {keyed};

-- Limits on what runs at once.
CREATE TABLE slot (
    campaign_id {text} NOT NULL,
    name        {text} NOT NULL,
    used        {int}  NOT NULL,
    cap         {int}  NOT NULL,
    PRIMARY KEY (campaign_id, name)
) {keyed};

CREATE TABLE enrol_token (
    token_hash {text} NOT NULL PRIMARY KEY,
    name       {text} NOT NULL,
    created_ms {int}  NOT NULL,
    ends_ms    {int}  NOT NULL,
    uses_left  {int}  NOT NULL CHECK (uses_left >= 0),
    tags       {text} NOT NULL,
    revoked_ms {int}
) {strict};

-- Which key enrolled by which token: asking again with the same key costs no second use.
CREATE TABLE enrolment (
    spki_hash  {text} NOT NULL PRIMARY KEY,
    token_hash {text} NOT NULL,
    host_id    {text} NOT NULL,
    at_ms      {int}  NOT NULL
) {strict};

CREATE TABLE api_token (
    token_hash   {text} NOT NULL PRIMARY KEY,
    name         {text} NOT NULL,
    role         {text} NOT NULL,
    created_ms   {int}  NOT NULL,
    ends_ms      {int},
    revoked_ms   {int},
    last_used_ms {int}
) {strict};

CREATE UNIQUE INDEX api_token_name ON api_token (name);

CREATE TABLE session (
    session_hash  {text} NOT NULL PRIMARY KEY,
    name          {text} NOT NULL,
    role          {text} NOT NULL,
    csrf          {text} NOT NULL,
    created_ms    {int}  NOT NULL,
    idle_until_ms {int}  NOT NULL,
    ends_ms       {int}  NOT NULL
) {strict};

CREATE INDEX session_ends ON session (ends_ms);

CREATE TABLE one_time_login (
    login_hash {text} NOT NULL PRIMARY KEY,
    name       {text} NOT NULL,
    role       {text} NOT NULL,
    ends_ms    {int}  NOT NULL,
    used_ms    {int}
) {strict};

-- Who does a background task. term rises with each new holder.
CREATE TABLE lease (
    name     {text} NOT NULL PRIMARY KEY,
    holder   {text} NOT NULL,
    until_ms {int}  NOT NULL,
    term     {int}  NOT NULL
) {keyed};

-- Intervals in which the server took check-ins.
CREATE TABLE availability (
    from_ms {int} NOT NULL PRIMARY KEY,
    to_ms   {int} NOT NULL
) {keyed};

-- Each period of a schedule makes one report, by its key.
CREATE TABLE report_run (
    schedule  {text} NOT NULL,
    period    {text} NOT NULL,
    made_ms   {int}  NOT NULL,
    as_of_pos {int}  NOT NULL,
    body      {text} NOT NULL,
    PRIMARY KEY (schedule, period)
) {strict};

CREATE INDEX report_run_made ON report_run (made_ms);

CREATE TABLE outbox (
    outbox_id  {text} NOT NULL PRIMARY KEY,
    kind       {text} NOT NULL,
    target     {text} NOT NULL,
    body       {text} NOT NULL,
    created_ms {int}  NOT NULL,
    attempts   {int}  NOT NULL,
    next_ms    {int}  NOT NULL,
    state      {text} NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    last_error {text},
    ended_ms   {int}
) {strict};

CREATE INDEX outbox_due ON outbox (next_ms, outbox_id) WHERE state = 'pending';
