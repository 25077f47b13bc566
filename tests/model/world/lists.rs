//! Lists before they are approved: what the reader makes of their lines, and what people correct of them.

use super::super::acts::{Answer, ugx};
use super::super::cases::Person;
use super::super::command::{Correcting, Look};
use super::super::lane::*;
use super::super::list::{Change, FEE, Line};
use super::super::rules::*;
use super::super::told::{stands, words};
use super::people::answer;
use super::{Reckoned, World, pick, same};
use crate::support::walks::Wrong;
use gaba::batch::approval;
use gaba::batch::correction::{self, Correction};
use gaba::batch::import::{self, Mapping, Terms, Uploaded};
use gaba::config::LaneConfig;
use gaba::ids;
use gaba::lane::route::Router;
use gaba::money::Currency;
use gaba::org::Principal;
use gaba::phone::Country;
use gaba::store::{Done, JudgeRow, NewRow, StoreError};
use std::sync::{Arc, LazyLock};

/// The columns of every list, in words of their own.
pub const MAPPING: &str = r#"{"msisdn":"Phone","amount":"To pay","name":"Who","reference":"Id"}"#;

static ROUTES: LazyLock<Router> = LazyLock::new(|| {
    let lane = |(name, prefix): (&str, &str)| LaneConfig {
        name: name.into(),
        country: Some("UG".into()),
        currency: Some(Currency::Ugx),
        prefixes: vec![prefix.into()],
        ..LANE_CONFIG.clone()
    };
    Router::new(&LANES.into_iter().zip(PREFIXES).map(lane).collect::<Vec<_>>()).unwrap()
});

fn terms() -> Terms<'static> {
    Terms {
        currency: Currency::Ugx,
        country: Country::Uganda,
        router: &ROUTES,
        mapping: Some(Mapping::parse(MAPPING).unwrap()),
        rows_max: 100,
        sms: None,
        notice: None,
    }
}

/// The rules of the engine, with a fee for each payment.
fn rules() -> JudgeRow {
    Arc::new(|stored, correction, _| {
        let mut corrected = correction::correct(stored, correction, &terms()).map_err(StoreError::from)?;
        corrected.recipient.iter_mut().for_each(|recipient| recipient.fee = ugx(FEE));
        Ok(corrected)
    })
}

fn as_read(line: &Line) -> NewRow {
    let cells: Vec<Uploaded> = words(line).into_iter().map(|(header, text)| Uploaded::new(&header, text)).collect();
    let mut row = NewRow::from(import::judge_one(&terms(), &cells, line.number));
    row.recipient.iter_mut().for_each(|recipient| recipient.fee = ugx(FEE));
    row
}

fn correction(change: &Change) -> Correction {
    Correction {
        msisdn: change.msisdn.as_ref().map(|cell| cell.text.clone()),
        amount: change.amount.as_ref().map(|cell| cell.text.clone()),
        name: change.name.clone(),
        reference: change.reference.clone(),
        variables: change.team.iter().map(|team| ("Team".to_owned(), team.clone())).collect(),
        excluded: change.aside,
        ..Correction::default()
    }
}

impl World {
    /// The rows of a list as they come from its reader.
    pub(super) fn rows_as_read(&self, b: usize) -> Vec<NewRow> {
        self.model.batches[b].lines.iter().map(as_read).collect()
    }

    /// Notes by which name the store has each row that is paid.
    pub(super) fn find_rows(&mut self, b: usize) {
        let batch = &self.model.batches[b];
        for (r, row) in batch.rows.iter().enumerate() {
            self.rows_of.insert(ids::payout(batch.id, row.number), (b, r));
        }
    }

    pub(super) fn looked_at(&self, b: usize, look: Look) -> String {
        let batch = &self.model.batches[b];
        let digest = match look {
            Look::Now => batch.digest.as_ref(),
            Look::Before => batch.earlier.last(),
        };
        digest.cloned().unwrap_or_else(|| "sha256:stale".into())
    }

    pub(super) async fn correct(
        &mut self,
        batch: usize,
        by: Person,
        stranger: bool,
        how: &Correcting,
    ) -> Result<bool, Wrong> {
        let Correcting { line, look, change, at_once } = how;
        let Some(b) = pick(batch, self.model.batches.len()) else { return Ok(false) };
        let (id, org, lines) = {
            let batch = &self.model.batches[b];
            (batch.id, batch.org, &batch.lines)
        };
        // One of its lines, or the one after the last.
        let numbers: Vec<u32> = lines.iter().map(|line| line.number).chain([99]).collect();
        let number = numbers[*line % numbers.len()];
        let tenant = &self.tenants[if stranger { (org + 1) % self.tenants.len() } else { org }];
        let actor = tenant.person(by).clone();
        let look = look.map(|look| self.looked_at(b, look));
        self.model.touched.insert(b);
        let engine = self.store.correct_row(&actor, id, number, look.clone(), &correction(change), rules()).await;
        let (engine, view) = answer(engine)?;
        let model = match stranger {
            true => Answer::NotFound,
            false => self.model.correct(b, number, by, change, look.as_deref()),
        };
        same(format!("a correction of row {number}"), engine, model)?;
        self.find_rows(b);
        let Some(view) = view else { return Ok(true) };
        let line = self.model.batches[b].lines.iter().find(|line| line.number == number).unwrap();
        same(format!("how row {number} stands"), view.state, stands(line))?;
        if *at_once {
            let shown = approval::with_digest(&self.store, view.batch).await.map_err(|e| e.to_string())?;
            self.model.reckoned(b, shown.digest)?;
        } else if view.batch.digest.is_none() {
            let digest = approval::digest(&self.store, &view.batch).await.map_err(|e| e.to_string())?;
            let revision = self.model.batches[b].revision;
            self.reckoned.push(Reckoned { batch: b, revision, shown: view.batch, digest });
        }
        Ok(true)
    }

    pub(super) async fn write_digest(&mut self, which: usize) -> Result<bool, Wrong> {
        let Some(which) = pick(which, self.reckoned.len()) else { return Ok(false) };
        let Reckoned { batch: b, revision, shown, digest } = self.reckoned.swap_remove(which);
        self.model.touched.insert(b);
        let engine = self.store.set_digest(&shown, &digest).await.map(Done::Applied);
        let model = self.model.reckoned_late(b, revision);
        same("a digest that is written down", answer(engine)?.0, model.clone())?;
        if model == Answer::Applied {
            self.model.reckoned(b, Some(digest))?;
        }
        Ok(true)
    }

    pub(super) async fn submit(
        &mut self,
        b: usize,
        actor: &Principal,
        by: Person,
        stranger: bool,
        exclude: bool,
        hasty: bool,
    ) -> Result<bool, Wrong> {
        let id = self.model.batches[b].id;
        let engine = match hasty {
            true => self.store.submit(actor, id, exclude, None).await,
            false => approval::submit(&self.store, actor, id, exclude, None, None).await,
        };
        if !hasty && !stranger && self.model.batches[b].phase == Phase::Ready {
            let shown = self.store.find_batch(id).await.map_err(|e| e.to_string())?;
            self.model.reckoned(b, shown.digest)?;
        }
        let model = if stranger { Answer::NotFound } else { self.model.submit(b, by, exclude) };
        same("a submission", answer(engine)?.0, model)?;
        Ok(true)
    }
}
