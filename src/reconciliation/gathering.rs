//! Adds a day up, some messages at a time: between two steps nothing is locked and others may run. Each message's own
//! sums are of one moment, so what moves meanwhile can't upset them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::day::Day;
use super::exception::{Exception, Kind, kind_of, of_line, of_problem, of_unread};
use super::report::{Intake, Lag, Outgo, Report, Rules};
use crate::domain::{Words, words};
use crate::journal::days::{Arrival, Came, LineNow, Place};
use crate::journal::{JournalError, Reader, TransferId};

/// Messages read in one step.
const STEP: usize = 32;
/// The most exceptions of a kind that are listed: the oldest.
const LISTED: usize = 2_000;
/// The most imbalances that are named.
const NAMED: usize = 20;

/// A day on its way to a report.
pub struct Gathering {
    day: Day,
    rules: Rules,
    /// The destination that is asked for; `None`: all.
    only: Option<String>,
    as_of: Timestamp,
    place: Option<Place>,
    intake: BTreeMap<String, Intake>,
    cut: BTreeSet<TransferId>,
    destinations: BTreeMap<String, (Outgo, Vec<SignedDuration>)>,
    imbalances: Vec<Words>,
    unnamed: usize,
    open: BTreeMap<Kind, usize>,
    exceptions: Vec<Exception>,
}

/// A day's report, gathered without a pause.
///
/// # Errors
/// The journal's. `only` names the destination that is asked for; without it, all are.
pub fn gather(
    reader: &Reader,
    day: Day,
    rules: &Rules,
    only: Option<&str>,
    as_of: Timestamp,
) -> Result<Report, JournalError> {
    let mut gathering = Gathering::new(day, rules, as_of);
    gathering.only = only.map(str::to_owned);
    while gathering.step(reader)? {}
    gathering.finish(reader)
}

impl Gathering {
    pub fn new(day: Day, rules: &Rules, as_of: Timestamp) -> Gathering {
        Gathering {
            day,
            rules: rules.clone(),
            only: None,
            as_of,
            place: None,
            intake: BTreeMap::new(),
            cut: BTreeSet::new(),
            destinations: BTreeMap::new(),
            imbalances: Vec::new(),
            unnamed: 0,
            open: BTreeMap::new(),
            exceptions: Vec::new(),
        }
    }

    /// Takes the next messages in. Tells whether there are more.
    pub fn step(&mut self, reader: &Reader) -> Result<bool, JournalError> {
        let (span, place) = (self.day.span(), self.place);
        self.place = reader.at_one_moment(|reader| {
            let (arrivals, next) = reader.arrivals(span, place, STEP)?;
            arrivals.iter().try_for_each(|arrival| self.take(reader, arrival))?;
            Ok(next)
        })?;
        Ok(self.place.is_some())
    }

    pub fn finish(mut self, reader: &Reader) -> Result<Report, JournalError> {
        for trouble in reader.troubles_of_no_message(self.day.span())? {
            self.note(of_problem(&trouble, None));
        }
        let over_all = reader.sums()?.imbalances();
        over_all.iter().for_each(|it| self.differs(words!("over all days, {what}", what = it.clone())));
        if self.unnamed > 0 {
            self.imbalances.push(words!("and {n} more", n = self.unnamed));
        }
        self.exceptions.sort_by_key(|it| (it.kind, it.since));
        let left_out = self.open.values().sum::<usize>() - self.exceptions.len();
        let (rules, only) = (&self.rules, &self.only);
        let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
        let outgo = |(name, (outgo, lags)): (String, (Outgo, Vec<SignedDuration>))| {
            let is_under_test = rules.is_under_test(&name);
            (name, Outgo { lag: Lag::of(lags), is_under_test, ..outgo })
        };
        Ok(Report {
            site: rules.site.clone(),
            as_of: self.as_of,
            intake: self.intake,
            cut_transfers: self.cut.len(),
            destinations: self.destinations.into_iter().filter(|(name, _)| wanted(name)).map(outgo).collect(),
            imbalances: self.imbalances,
            open: self.open,
            exceptions: self.exceptions,
            left_out,
            day: self.day,
        })
    }

    fn take(&mut self, reader: &Reader, arrival: &Arrival) -> Result<(), JournalError> {
        if arrival.cut.is_some() {
            self.cut.insert(arrival.transfer);
        }
        let came = intake(arrival);
        self.intake.entry(arrival.instrument.clone().unwrap_or_default()).or_default().add(&came);
        if came.difference() != 0 {
            self.differs(words!(
                "message {id}: {received} results were received, and {new} new, {repeated} repeated and {problems} problems are found",
                id = arrival.message.to_string(),
                received = came.received,
                new = came.new,
                repeated = came.repeated,
                problems = came.problem
            ));
        }
        if let Some(unread) = of_unread(arrival, self.as_of, self.rules.late_after) {
            self.note(unread);
        }
        for trouble in arrival.problems.iter().filter(|it| it.is_open) {
            self.note(of_problem(trouble, Some(arrival)));
        }
        let mut found: BTreeMap<&str, i64> = BTreeMap::new();
        for came in &arrival.observations {
            for line in &came.lines {
                if !self.wants(&line.destination) {
                    continue;
                }
                *found.entry(&line.destination).or_default() += 1;
                self.take_line(reader, arrival, came, line)?;
            }
        }
        self.compare(arrival, &found);
        Ok(())
    }

    fn take_line(
        &mut self,
        reader: &Reader,
        arrival: &Arrival,
        came: &Came,
        line: &LineNow,
    ) -> Result<(), JournalError> {
        let (outgo, lags) = self.destinations.entry(line.destination.clone()).or_default();
        *outgo.states.entry(line.state.clone()).or_default() += 1;
        if matches!(line.state.as_str(), "accepted" | "staged") {
            // What went once more had arrived before: the LIMS kept nobody waiting.
            let arrived = line.first_acknowledged.unwrap_or(line.since);
            lags.push(arrived.duration_since(arrival.received_at).max(SignedDuration::ZERO));
            if !line.was_answered {
                self.differs(words!(
                    "result {id} counts as {state} by {destination}, and no attempt to send it was ever answered",
                    id = came.id.to_string(),
                    state = &line.state,
                    destination = &line.destination
                ));
            }
            if let Some((delivery, _)) = line.delivery
                && line.waits_for_person
                && !line.is_undecided
            {
                self.differs(words!(
                    "result {id} counts as {state} by {destination}, whose delivery {delivery} is left to a person, as if something of it were refused or of unknown fate",
                    id = came.id.to_string(),
                    state = &line.state,
                    destination = &line.destination,
                    delivery = delivery.to_string()
                ));
            }
        }
        if let Some(kind) = kind_of(arrival, line, &self.rules, self.as_of) {
            let listed = self.open.get(&kind).copied().unwrap_or_default() < LISTED;
            match listed {
                true => self.note(of_line(reader, arrival, came, line, kind, &self.rules)?),
                false => *self.open.entry(kind).or_default() += 1,
            }
        }
        Ok(())
    }

    /// What a message's destinations were owed against what their ledgers hold.
    fn compare(&mut self, arrival: &Arrival, found: &BTreeMap<&str, i64>) {
        let names: BTreeSet<&str> =
            arrival.owed.keys().map(String::as_str).chain(found.keys().copied()).collect();
        for name in names.into_iter().filter(|name| self.wants(name)).collect::<Vec<_>>() {
            let owed = arrival.owed.get(name).copied().unwrap_or_default();
            let found = found.get(name).copied().unwrap_or_default();
            self.destinations.entry(name.to_owned()).or_default().0.owed += owed;
            if owed != found {
                self.differs(words!(
                    "message {id}: {owed} results are owed to {name}, and {found} are in its ledger",
                    id = arrival.message.to_string(),
                    owed,
                    name,
                    found
                ));
            }
        }
    }

    fn wants(&self, destination: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == destination)
    }

    fn note(&mut self, exception: Exception) {
        let count = self.open.entry(exception.kind).or_default();
        *count += 1;
        if *count <= LISTED {
            self.exceptions.push(exception);
        }
    }

    fn differs(&mut self, imbalance: Words) {
        if self.imbalances.len() < NAMED {
            self.imbalances.push(imbalance);
        } else {
            self.unnamed += 1;
        }
    }
}

fn intake(arrival: &Arrival) -> Intake {
    let observations = |is: fn(&Came) -> bool| {
        count(arrival.observations.iter().filter(|it| !it.is_remade && is(it)).count())
    };
    Intake {
        messages: 1,
        unread: i64::from(!arrival.is_read),
        incomplete: i64::from(arrival.is_incomplete),
        received: arrival.results,
        new: observations(|_| true),
        repeated: arrival.repeated,
        problem: count(arrival.problems.iter().filter(|it| it.replaces_result).count()),
        controls: observations(|it| it.is_control),
        failed: observations(|it| it.is_failed),
        queries: arrival.queries,
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
