-- Migrated hosts by how far the recipes were shown to work that did it there; kept in the transaction that changes the plan, like
-- totals. What was migrated before this has no row, and is told apart by what is missing to all migrated.
CREATE TABLE grade_total (
    campaign_id {text} NOT NULL,
    grade       {text} NOT NULL,
    hosts       {int}  NOT NULL,
    PRIMARY KEY (campaign_id, grade)
) {keyed};

CREATE TABLE grade_total_was (
    campaign_id {text} NOT NULL,
    grade       {text} NOT NULL,
    from_pos    {int}  NOT NULL,
    hosts       {int}  NOT NULL,
    PRIMARY KEY (campaign_id, grade, from_pos)
) {keyed};
