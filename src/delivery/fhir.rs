//! Attempts at a FHIR server: a specimen's Bundle by POST, as it was stored, to the byte. What depends on what the server
//! has is found out by reading: before a correction whether its copy may be replaced, after a 200 whether its copy says
//! what ours says, and at a probe what it has. It writes nothing but the Bundle.

mod reading;
mod record;

use reqwest::header::{ACCEPT, CONTENT_TYPE};

use self::reading::{Reading, Unseen};
use self::record::Record;
use super::bundle::sent::{Sent, Way};
use super::kind::Attempted;
use super::verdict::Judgement;
use super::verdict::fhir::{self, Closing, Looked, Seen, Told};
use super::web::Web;
use crate::config::settings::Fhir;
use crate::journal::ledger::{AttemptKind, Lease};

const JSON: &str = "application/fhir+json";
/// The longest Bundle, in bytes, whose resources surely fit into an answer.
const SHORT: usize = 256 * 1024;

/// The way to one server.
pub struct Client {
    web: Web,
    settings: Fhir,
}

impl Client {
    /// Fails where the destination's certificates can't be read.
    pub fn new(settings: &Fhir) -> reqwest::Result<Client> {
        Ok(Client { web: Web::new(&settings.web)?, settings: settings.clone() })
    }

    /// Makes the attempt and judges it. Never fails: what goes wrong is a reply too.
    pub async fn attempt(&self, lease: &Lease) -> Attempted {
        let mut record = Record::default();
        let judgement = match Sent::parse(&lease.payload) {
            Ok(sent) => match lease.kind {
                AttemptKind::Probe => self.probe(lease, &sent, &mut record).await,
                AttemptKind::Send => self.send(lease, &sent, &mut record).await,
            },
            Err(why) => Judgement::unreadable(why, &lease.items),
        };
        record.judged(judgement)
    }

    async fn probe(&self, lease: &Lease, sent: &Sent, record: &mut Record) -> Judgement {
        match self.reading(sent, record).all().await {
            Ok((looked, closing)) => fhir::judge_probe(&looked, closing, sent, &lease.items),
            Err(Unseen(reply)) => fhir::judge_unseen(&reply, AttemptKind::Probe, &lease.items),
        }
    }

    async fn send(&self, lease: &Lease, sent: &Sent, record: &mut Record) -> Judgement {
        match self.before(lease, sent, record).await {
            Ok(None) => {}
            Ok(Some(judgement)) => return judgement,
            Err(Unseen(reply)) => return fhir::judge_unseen(&reply, AttemptKind::Send, &lease.items),
        }
        let request = self.web.post(&self.settings.url).body(lease.payload.clone());
        // A repetition finds what is there already; then the copies to compare may come with the answer.
        let is_likely_there = lease.number > 1 && lease.payload.len() <= SHORT;
        let wanted = if is_likely_there { "return=representation" } else { "return=minimal" };
        let request = request.header(CONTENT_TYPE, JSON).header("Prefer", wanted);
        let heard = Web::ask(request.header(ACCEPT, JSON).header("X-Request-Id", &lease.key)).await;
        record.posted(&heard);
        match fhir::read(&heard.reply, &self.settings.rules, sent, &lease.items) {
            Ok(told) => self.after(lease, sent, &told, record).await,
            Err(judgement) => judgement,
        }
    }

    /// Looks at the copies that newer versions are to replace. A judgement where the Bundle need not or may not go out.
    async fn before(
        &self,
        lease: &Lease,
        sent: &Sent,
        record: &mut Record,
    ) -> Result<Option<Judgement>, Unseen> {
        let mut reading = self.reading(sent, record);
        let looked = reading.results(|entry| entry.way == Way::Update).await?;
        let is_there = |seen: &Option<Seen>| matches!(seen, Some(Seen::Same { .. }));
        if !looked.is_empty() && looked.values().all(is_there) {
            let (looked, closing) = reading.all().await?;
            if looked.values().all(is_there) && closing == Closing::There {
                return Ok(Some(fhir::judge_probe(&looked, closing, sent, &lease.items)));
            }
        }
        Ok(fhir::judge_before(&looked, &lease.items))
    }

    fn reading<'a>(&'a self, sent: &'a Sent, record: &'a mut Record) -> Reading<'a> {
        Reading::new(&self.web, &self.settings.url, sent, record)
    }

    /// Compares what the server had already with what was sent.
    async fn after(&self, lease: &Lease, sent: &Sent, told: &[Told], record: &mut Record) -> Judgement {
        let mut reading = self.reading(sent, record);
        reading.learn_specimen(told);
        let mut looked = Looked::new();
        for (id, entry, told) in fhir::to_compare(sent, told) {
            looked.insert(id, reading.copy(entry, told).await.ok());
        }
        fhir::judge(sent, told, &looked, &lease.items)
    }
}
