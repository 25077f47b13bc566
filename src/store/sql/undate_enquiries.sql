-- As for payouts.
UPDATE quarantine_enquiries SET due_at = $1 WHERE due_at > $1 + 3600000000
