//! A message while it is being written: records, the results in them, and chance.

use super::{ExpectedResult, Generated, Moment};
use crate::chance::Chance;

pub(super) struct Draft<'a> {
    pub(super) specimen: String,
    pub(super) now: Moment,
    pub(super) chance: &'a mut Chance,
    odd: f64,
    records: Vec<u8>,
    results: Vec<ExpectedResult>,
}

/// What a result record says, apart from where it stands.
pub(super) struct Said<'a> {
    pub(super) code: &'a str,
    pub(super) aspect: &'a str,
    pub(super) value: &'a str,
    pub(super) unit: &'a str,
    pub(super) status: &'a str,
}

impl<'a> Draft<'a> {
    pub(super) fn new(specimen: String, now: Moment, odd: f64, chance: &'a mut Chance) -> Self {
        Draft { specimen, now, chance, odd, records: Vec::new(), results: Vec::new() }
    }

    pub(super) fn finish(self) -> Generated {
        Generated { specimen: self.specimen, records: self.records, results: self.results }
    }

    /// Appends a record; it gets its CR here.
    pub(super) fn record(&mut self, text: &str) {
        self.records.extend_from_slice(text.as_bytes());
        self.records.push(b'\r');
    }

    /// Appends a result record and remembers what it says.
    pub(super) fn result(&mut self, text: &str, said: Said<'_>) {
        self.record(text);
        let earlier = self.results.iter().filter(|r| r.code == said.code && r.aspect == said.aspect);
        let replicate = earlier.count() as u32 + 1;
        self.results.push(ExpectedResult {
            specimen: self.specimen.clone(),
            code: said.code.into(),
            aspect: said.aspect.into(),
            replicate,
            value: said.value.into(),
            unit: said.unit.into(),
            status: said.status.into(),
        });
    }

    /// The number of the next result record.
    pub(super) fn sequence(&self) -> usize {
        self.results.len() + 1
    }

    /// Whether the next value is to be an odd one.
    pub(super) fn is_odd(&mut self) -> bool {
        self.chance.hits(self.odd)
    }

    /// A whole number from `low` to `high` as a decimal with this many places: 350 and 2 are `3.50`.
    pub(super) fn number(&mut self, low: u64, high: u64, places: usize) -> String {
        decimal(self.chance.between(low, high), places)
    }

    /// An invented person, who looks it.
    pub(super) fn patient(&mut self) -> Patient {
        const FAMILY: [&str; 6] = ["Example", "Sample", "Invented", "Testcase", "Specimen", "Placeholder"];
        const GIVEN: [(&str, &str); 8] = [
            ("Anna", "F"),
            ("Berta", "F"),
            ("Clara", "F"),
            ("Dora", "F"),
            ("Anton", "M"),
            ("Bruno", "M"),
            ("Carl", "M"),
            ("David", "M"),
        ];
        let (given, sex) = self.chance.pick(&GIVEN);
        let birth_year = self.chance.between(1930, 2020);
        let birth_date =
            format!("{birth_year}{:02}{:02}", self.chance.between(1, 12), self.chance.between(1, 28));
        Patient {
            id: format!("9{:06}", self.chance.below(1_000_000)),
            family: self.chance.pick(&FAMILY),
            given,
            sex,
            birth_date,
            birth_year,
        }
    }
}

pub(super) struct Patient {
    pub(super) id: String,
    pub(super) family: &'static str,
    pub(super) given: &'static str,
    pub(super) sex: &'static str,
    /// `YYYYMMDD`.
    pub(super) birth_date: String,
    pub(super) birth_year: u64,
}

/// A whole number with its point moved `places` to the left.
pub(super) fn decimal(scaled: u64, places: usize) -> String {
    let power = 10u64.pow(places as u32);
    let whole = scaled / power;
    match places {
        0 => whole.to_string(),
        _ => format!("{whole}.{:0places$}", scaled % power),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_places() {
        let cases = [(350, 2, "3.50"), (7, 0, "7"), (5, 3, "0.005"), (100, 1, "10.0")];
        for (scaled, places, shown) in cases {
            assert_eq!(decimal(scaled, places), shown);
        }
    }
}
