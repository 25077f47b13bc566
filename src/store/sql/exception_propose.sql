UPDATE exceptions
SET state = 'proposed', verdict = $2, note = $3, evidence_sha256 = $4, transaction_id = $5, proposed_by = $6,
    proposed_by_label = $7, proposed_at = $8
WHERE id = $1 AND state <> 'resolved'
