-- A delivery goes once more as it was only where all that was put into it may.

ALTER TABLE delivery ADD COLUMN items INTEGER NOT NULL DEFAULT 0; -- how many results were put into it; written once
