-- performances.terms are those in force: the ledger changes them (event terms_set), in the
-- transaction of its batch. Those a performance opened under, which its ledger begins with, are
-- kept here; null where they are still in force.
ALTER TABLE performances ADD COLUMN opening_terms TEXT;
