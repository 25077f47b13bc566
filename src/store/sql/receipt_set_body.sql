UPDATE receipts SET body = $3 WHERE lane = $1 AND fingerprint = $2
