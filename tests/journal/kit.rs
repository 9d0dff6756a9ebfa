//! A journal in a folder of its own, and short ways to fill it. It never looks at a real clock.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use labwire::domain::{
    DecimalText, DestinationId, HoldReason, InstrumentId, Observation, Patient, Private, Problem,
    ProblemKind, SampleClass, SpecimenId, Standing, Status, TestIdentity, Value,
};
use labwire::journal::decisions::Judged;
use labwire::journal::desk::{Decider, Decision};
use labwire::journal::ledger::{Fate, Lease, Next, Render, Resolve, Settlement};
use labwire::journal::parcels::{Ending, Within};
use labwire::journal::read::Pending;
use labwire::journal::results::{Entry, Place, Processed, Route};
use labwire::journal::{Journal, JournalError, MessageId, ObservationId, Reader, TransferId};
use labwire_link::{Parcel, ParcelId};
use rusqlite::Connection;

pub(crate) const LIMS: &str = "lims";

pub(crate) struct Lab {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) journal: Journal,
    pub(crate) reader: Reader,
    runtime: tokio::runtime::Runtime,
    seconds: Cell<i64>,
}

/// A journal that nobody has open.
pub(crate) struct Stopped(tempfile::TempDir);

impl Stopped {
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.0.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("labwire.db")
    }

    pub(crate) fn start(self) -> Lab {
        Lab::within(self.0)
    }
}

impl Lab {
    pub(crate) fn new() -> Lab {
        Lab::within(tempfile::tempdir().unwrap())
    }

    fn within(folder: tempfile::TempDir) -> Lab {
        let journal = Journal::open(&folder.path().join("labwire.db"), 0, at(0)).unwrap();
        let reader = journal.reader().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Lab { folder, journal, reader, runtime, seconds: Cell::new(0) }
    }

    /// Stops and starts again: what a crash leaves is the same, as nothing is written at the stop.
    pub(crate) fn reopen(self) -> Lab {
        let Lab { folder, journal, reader, .. } = self;
        drop((journal, reader));
        Lab::within(folder)
    }

    /// Stops; what becomes of the files before the next start is the test's.
    pub(crate) fn stop(self) -> Stopped {
        let Lab { folder, journal, reader, .. } = self;
        // The writer is the last to close the file, and so puts all into it.
        drop(reader);
        drop(journal);
        Stopped(folder)
    }

    /// The messages that wait to be read, oldest first.
    pub(crate) fn unread(&self) -> Vec<Pending> {
        let waiting = self.reader.pending(100).unwrap();
        waiting.into_iter().map(|it| self.reader.with_content(it).unwrap()).collect()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("labwire.db")
    }

    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.seconds.set(self.seconds.get() + seconds);
    }

    /// A second later than the last time.
    pub(crate) fn now(&self) -> Timestamp {
        self.seconds.set(self.seconds.get() + 1);
        at(self.seconds.get())
    }

    pub(crate) fn first(&self, parcel: Parcel) -> (TransferId, Vec<MessageId>) {
        let within = Within::New { source: "port 1".to_owned(), peer: "peer".to_owned() };
        let stored = self.wait(self.journal.store_parcel(within, parcel, Vec::new(), self.now())).unwrap();
        (stored.transfer, stored.messages)
    }

    pub(crate) fn next(&self, transfer: TransferId, parcel: Parcel) -> Vec<MessageId> {
        self.wait(self.journal.store_parcel(transfer, parcel, Vec::new(), self.now())).unwrap().messages
    }

    pub(crate) fn end(&self, transfer: TransferId, ending: Ending) -> Option<MessageId> {
        self.wait(self.journal.end_transfer(transfer, ending, self.now())).unwrap()
    }

    pub(crate) fn message(&self) -> MessageId {
        self.first(parcel("L|1\r", &[4])).1[0]
    }

    /// One message with these results; their ids are in the order given.
    pub(crate) fn record(&self, entries: Vec<Entry>) -> Vec<ObservationId> {
        let message = self.message();
        self.record_of(message, entries, Vec::new()).unwrap();
        self.ids(message)
    }

    pub(crate) fn own(&self, result: Observation) -> ObservationId {
        self.record(vec![own(result)])[0]
    }

    pub(crate) fn newer(&self, result: Observation, than: ObservationId) -> ObservationId {
        self.record(vec![Entry { place: Place::Supersedes(than), ..own(result) }])[0]
    }

    pub(crate) fn record_of(
        &self,
        message: MessageId,
        mut entries: Vec<Entry>,
        problems: Vec<Problem>,
    ) -> Result<(), JournalError> {
        for (number, entry) in entries.iter_mut().enumerate() {
            entry.observation.record = u32::try_from(number).unwrap();
        }
        let processed = processed(message, entries, problems);
        self.wait(self.journal.record(processed, self.now())).map(drop)
    }

    pub(crate) fn ids(&self, message: MessageId) -> Vec<ObservationId> {
        let reading = self.reading();
        let mut statement =
            reading.prepare("SELECT id FROM observation WHERE message = ? ORDER BY record").unwrap();
        statement
            .query_map([message.0], |row| row.get(0).map(ObservationId))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    pub(crate) fn lease_with(&self, resolve: Resolve) -> Option<Lease> {
        self.wait(self.journal.lease(DestinationId::new(LIMS), resolve, render(), self.now())).unwrap()
    }

    pub(crate) fn lease(&self) -> Option<Lease> {
        self.lease_with(Resolve::Resend)
    }

    /// Every item of the lease comes to the same.
    pub(crate) fn settle_all(&self, lease: &Lease, fate: &Fate, next: Next, status: Option<u16>) {
        let fates = lease.items.iter().map(|item| (*item, fate.clone())).collect();
        self.settle(lease, fates, next, status);
    }

    /// Nothing was sent, and it is tried again then.
    pub(crate) fn nobody_there(&self, lease: &Lease, again: Timestamp) {
        let settlement = Settlement {
            fates: lease.items.iter().map(|item| (*item, Fate::Again)).collect(),
            next: Next::Retry { at: again },
            status: None,
            body: None,
            verdict: "retry".to_owned(),
            detail: "connection refused".to_owned(),
            connection: None,
        };
        self.wait(self.journal.settle(lease, settlement, self.now())).unwrap();
    }

    pub(crate) fn settle(
        &self,
        lease: &Lease,
        fates: Vec<(ObservationId, Fate)>,
        next: Next,
        status: Option<u16>,
    ) {
        let settlement = Settlement {
            fates,
            next,
            status,
            body: None,
            verdict: "verdict".to_owned(),
            detail: "detail".to_owned(),
            connection: Some("10.0.0.2:40001 to 10.0.0.5:443, TLS".to_owned()),
        };
        self.wait(self.journal.settle(lease, settlement, self.now())).unwrap();
    }

    pub(crate) fn accept(&self, lease: &Lease) {
        self.settle_all(lease, &Fate::Accepted, Next::Settled, Some(200));
    }

    /// Leases and accepts until nothing is left; the items of each delivery.
    pub(crate) fn deliver_everything(&self) -> Vec<Vec<ObservationId>> {
        std::iter::from_fn(|| self.lease())
            .map(|lease| {
                self.accept(&lease);
                lease.items
            })
            .collect()
    }

    pub(crate) fn decide(&self, decision: Decision) -> Result<(), JournalError> {
        let decider = Decider { actor: "mgarcia".to_owned(), reason: "seen on the analyzer".to_owned() };
        self.wait(self.journal.decide(decision, decider, self.now()))
    }

    pub(crate) fn state(&self, id: ObservationId) -> String {
        self.ask(&format!("SELECT state FROM ledger WHERE observation = {id}"))
    }

    pub(crate) fn reading(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    /// One value of one row, past the journal.
    pub(crate) fn ask<T: rusqlite::types::FromSql>(&self, query: &str) -> T {
        self.reading().query_row(query, [], |row| row.get(0)).unwrap()
    }

    pub(crate) fn assert_balanced(&self) {
        assert_eq!(self.reader.sums().unwrap().imbalances(), []);
        assert_eq!(self.reader.deep_imbalances().unwrap(), [""; 0]);
    }
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// A parcel of which everything but the first and last byte is content.
pub(crate) fn parcel(content: &str, message_ends: &[usize]) -> Parcel {
    let raw = format!("\u{2}{content}\u{3}").into_bytes();
    Parcel { id: ParcelId(7), content: 1..raw.len() - 1, raw, message_ends: message_ends.to_vec() }
}

pub(crate) fn processed(message: MessageId, entries: Vec<Entry>, problems: Vec<Problem>) -> Processed {
    Processed {
        message,
        instrument: Some(InstrumentId::new("sim")),
        fingerprint: message.0.to_be_bytes().to_vec(),
        repeats: None,
        entries,
        problems,
        queries: Vec::new(),
        habits: Vec::new(),
        runs: Vec::new(),
        looks_beside: false,
    }
}

pub(crate) fn own(observation: Observation) -> Entry {
    Entry {
        observation,
        place: Place::Own,
        routes: vec![(DestinationId::new(LIMS), Route::Deliver)],
        judged: Judged::default(),
        link: None,
    }
}

pub(crate) fn held(mut observation: Observation) -> Observation {
    observation.standing = Standing::Held(vec![HoldReason::StatusInDoubt, HoldReason::OddValue]);
    observation
}

pub(crate) fn urgent(mut observation: Observation) -> Observation {
    observation.priority = Some("S".to_owned());
    observation
}

pub(crate) fn lost_result(record: u32) -> Problem {
    Problem {
        kind: ProblemKind::UnknownCode,
        record: Some(record),
        specimen: None,
        text: Private::new("no such code".to_owned()),
        replaces_result: true,
    }
}

pub(crate) fn result(specimen: &str, code: &str, value: &str) -> Observation {
    Observation {
        instrument: InstrumentId::new("sim"),
        profile: "sim/1".to_owned(),
        specimen: SpecimenId::new(specimen),
        specimen_as_sent: Private::new(specimen.to_owned()),
        patient: Private::new(Patient::default()),
        class: SampleClass::Patient,
        test: TestIdentity { code: code.to_owned(), ..TestIdentity::default() },
        replicate: 1,
        value: Value::Quantity { comparator: None, number: DecimalText::parse(value, '.').unwrap() },
        value_as_sent: value.to_owned(),
        unit: Some("mmol/L".to_owned()),
        unit_source: labwire::domain::UnitSource::Sent,
        dilution: None,
        conversion: None,
        reference_range: None,
        site_range: None,
        flags: Vec::new(),
        status: Status::Final,
        status_as_sent: "F".to_owned(),
        standing: Standing::Clear,
        started: None,
        completed: None,
        operator: None,
        analyzer_unit: None,
        position: None,
        priority: None,
        specimen_type: None,
        lims_code: None,
        loinc: None,
        comments: Vec::new(),
        attachments: Vec::new(),
        record: 0,
    }
}

/// The key and the items: enough to tell payloads apart.
pub(crate) fn render() -> Render {
    Arc::new(|consignment| {
        let items: Vec<_> = consignment.items.iter().map(|item| item.id.to_string()).collect();
        Ok(format!("{} {}", consignment.key, items.join(",")).into_bytes())
    })
}
