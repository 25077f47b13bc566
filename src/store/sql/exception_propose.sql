UPDATE exceptions
SET state = 'proposed', verdict = $2, note = $3, evidence_sha256 = $4, transaction_id = $5, paid_amount = $6,
    proposed_by = $7, proposed_by_label = $8, proposed_at = $9
WHERE id = $1 AND state <> 'resolved'
