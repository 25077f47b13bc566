//! I9 at a claim: what is due and may be claimed is claimed, as long as there is room.

use crate::support::walks::Wrong;
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;
use uuid::Uuid;

#[derive(Clone, Copy, Debug)]
pub enum What {
    /// To be sent: never sent in a batch that runs, or to be sent again with no receipt waiting.
    Send,
    /// To be asked about, and no suspect.
    Ask,
}

/// Rows with their claims.
pub struct Due(Vec<(Uuid, i64)>);

impl Due {
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

pub async fn read(connection: &mut SqliteConnection, what: What, lane: &str, now: i64) -> Result<Due, Wrong> {
    let sql = match what {
        What::Send => {
            "SELECT p.id, p.claim FROM payouts p JOIN batches b ON b.id = p.batch_id \
             WHERE p.lane = $1 AND p.due_at <= $2 AND p.action = 'submit' AND p.frozen_by IS NULL \
             AND ((b.state = 'running' AND p.state = 'queued') \
                  OR (b.state IN ('running', 'paused', 'cancelling') AND p.state = 'unknown' \
                      AND NOT EXISTS (SELECT 1 FROM attempts a JOIN receipts r ON r.reference = a.reference \
                                      WHERE a.batch_id = p.batch_id AND a.row = p.row AND a.attempt = p.attempt \
                                        AND r.due_at IS NOT NULL)))"
        }
        What::Ask => {
            "SELECT id, claim FROM payouts WHERE lane = $1 AND due_at <= $2 AND action = 'query' AND claims + deaths < 2"
        }
    };
    let rows = sqlx::query(sql).bind(lane).bind(now).fetch_all(connection).await.map_err(|e| e.to_string())?;
    Ok(Due(rows.iter().map(|row| (row.get(0), row.get(1))).collect()))
}

pub async fn left_alone(connection: &mut SqliteConnection, before: &Due) -> Result<(), Wrong> {
    for (id, claim) in &before.0 {
        let row = sqlx::query("SELECT claim, state FROM payouts WHERE id = $1").bind(id);
        let row = row.fetch_one(&mut *connection).await.map_err(|e| e.to_string())?;
        if row.get::<i64, _>(0) == *claim {
            return Err(format!("I9: {id} is {} and due, and was not claimed", row.get::<String, _>(1)));
        }
    }
    Ok(())
}
