SELECT b.id, b.state, b.reserved, b.paid, b.released FROM batches b
