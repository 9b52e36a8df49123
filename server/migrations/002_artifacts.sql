-- Artifacts: files that hosts fetch and install. The bytes lie beside the store, under their hash.

CREATE TABLE artifact (
    -- Lower-case hex.
    sha256    {text} NOT NULL PRIMARY KEY,
    -- Bytes.
    size      {int}  NOT NULL CHECK (size > 0),
    file_name {text} NOT NULL,
    -- What kind of package it is, by its name: deb, rpm, other.
    kind      {text} NOT NULL CHECK (kind IN ('deb', 'rpm', 'other')),
    -- The mention of a person; who it was lies in `personal`.
    added_by  {text} NOT NULL,
    added_ms  {int}  NOT NULL
) {keyed};
