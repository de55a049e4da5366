-- The snapshots of the organization or tenant above that a snapshot was judged with: [{"account","seq","root"}], null for none.
ALTER TABLE snapshots ADD COLUMN ancestors jsonb;
