-- What people have released, so that what they let go as it was sent is found again once the configuration can read it.

CREATE INDEX hold_let_go ON hold (observation) WHERE closing = 'released' AND closed_by <> 'labwire';
