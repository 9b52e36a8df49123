-- What artifacts are for: package files that operators bound to products.

CREATE TABLE artifact_use (
    product   {text} NOT NULL,
    -- As the operator calls it; files of one product and version go together.
    version   {text} NOT NULL,
    sha256    {text} NOT NULL,
    -- What package managers see; one content may have been added under another name.
    file_name {text} NOT NULL,
    -- JSON: systems that it is for, and mirrors that have it.
    systems   {text} NOT NULL,
    urls      {text} NOT NULL,
    -- The mention of a person; who it was lies in `personal`.
    bound_by  {text} NOT NULL,
    bound_ms  {int}  NOT NULL,
    PRIMARY KEY (product, version, sha256)
) {keyed};
