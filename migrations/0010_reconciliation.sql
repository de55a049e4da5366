-- What a second source of the cloud said of a cell: where none was asked, nothing.

ALTER TABLE cells ADD COLUMN reconciliation jsonb;
