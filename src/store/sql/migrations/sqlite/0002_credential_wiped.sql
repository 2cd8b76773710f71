-- When ActiveCampaign's field was emptied of the password; reads that were sent before say nothing.
ALTER TABLE credential ADD COLUMN wiped_at INTEGER;
