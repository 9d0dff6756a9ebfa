//! The sums that must balance at every moment: what arrived against what it became, and what became of it against
//! what each destination was owed. The two sides are counted in different places.

use std::collections::BTreeMap;

use super::{JournalError, Reader, counters};
use crate::domain::{Words, words};

/// Both sums, read in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    pub intake: IntakeSums,
    /// By destination.
    pub destinations: BTreeMap<String, DestinationSums>,
}

/// Results, counted as they came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IntakeSums {
    pub received: i64,
    pub new: i64,
    pub duplicate: i64,
    pub problem: i64,
}

/// Observations by what a destination made of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DestinationSums {
    /// New observations that arrived while this destination was configured.
    pub owed: i64,
    /// By the ledger's state, zeroes left out.
    pub states: BTreeMap<String, i64>,
}

impl IntakeSums {
    /// What is missing or too many: zero.
    pub fn difference(&self) -> i64 {
        self.received - self.new - self.duplicate - self.problem
    }
}

impl DestinationSums {
    pub fn of(&self, state: &str) -> i64 {
        self.states.get(state).copied().unwrap_or_default()
    }

    pub fn total(&self) -> i64 {
        self.states.values().sum()
    }
}

impl Sums {
    /// Every sum that doesn't come to zero, in words. Empty when all balance.
    pub fn imbalances(&self) -> Vec<Words> {
        let mut found = Vec::new();
        let intake = self.intake.difference();
        if intake != 0 {
            found.push(words!("received results differ from what they became by {n}", n = intake));
        }
        for (destination, sums) in &self.destinations {
            let difference = sums.owed - sums.total();
            if difference != 0 {
                found.push(words!(
                    "what {destination} is owed differs from its ledger by {n}",
                    destination,
                    n = difference
                ));
            }
        }
        found
    }
}

impl Reader {
    /// The sums as of one moment.
    pub fn sums(&self) -> Result<Sums, JournalError> {
        let _moment = self.moment()?;
        let moment = &self.connection;
        let of = |name: &str| -> Result<i64, JournalError> {
            Ok(moment
                .prepare_cached("SELECT coalesce(sum(value), 0) FROM counter WHERE name = ?")?
                .query_row([name], |row| row.get(0))?)
        };
        let intake = IntakeSums {
            received: of(counters::RECEIVED)?,
            new: of(counters::NEW)?,
            duplicate: of(counters::DUPLICATE)?,
            problem: of(counters::PROBLEM)?,
        };
        let mut destinations: BTreeMap<String, DestinationSums> = BTreeMap::new();
        let mut statement =
            moment.prepare_cached("SELECT destination, state, count FROM ledger_total WHERE count <> 0")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (destination, state, count): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            destinations.entry(destination).or_default().states.insert(state, count);
        }
        let mut statement = moment.prepare_cached("SELECT subject, value FROM counter WHERE name = ?")?;
        let mut rows = statement.query([counters::OWED])?;
        while let Some(row) = rows.next()? {
            destinations.entry(row.get(0)?).or_default().owed = row.get(1)?;
        }
        Ok(Sums { intake, destinations })
    }
}
