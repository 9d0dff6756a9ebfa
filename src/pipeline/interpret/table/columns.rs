//! Which column of this file tells what, by its header. A column that the profile names and the header lacks is said,
//! never sought by its position.

use std::collections::BTreeMap;

use super::fixed::Positions;
use crate::domain::profile::{
    Header, Layout, TableDialect, TableFormat, TableLocation, TablePiece, TablePlace, TableRule, Told,
};

/// The columns of one part.
pub(super) struct Columns<'h> {
    /// How many the header has; `None` without a header.
    pub(super) width: Option<usize>,
    names: Vec<&'h str>,
    units: Vec<&'h str>,
    places: BTreeMap<Told, Vec<Found>>,
    pub(super) aspects: Vec<(String, Vec<Found>)>,
    pub(super) tests: Vec<TestColumn<'h>>,
    /// Tests that the header names more than once: all columns of each.
    pub(super) repeated: Vec<Found>,
    /// In the order of the dialect.
    pub(super) pins: Vec<Found>,
    pub(super) classes: Vec<Found>,
    pub(super) not_results: Vec<Found>,
    /// Of a table of fixed width.
    pub(super) positions: Option<Positions>,
}

/// A column that is a test.
pub(super) struct TestColumn<'h> {
    pub(super) at: usize,
    pub(super) code: &'h str,
    pub(super) unit: Option<&'h str>,
    /// The column that qualifies the value.
    pub(super) flags: Option<usize>,
}

/// A place of the profile, found in this file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found(pub(super) Vec<FoundPiece>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FoundPiece {
    Literal(String),
    /// The columns of one name, from 0: more than one where the header says it twice.
    Cells(Vec<usize>),
    /// These characters, from 0, the last not included.
    Characters(usize, usize),
}

impl<'h> Columns<'h> {
    /// Looks for every place of the dialect. `known` says whether something is the code of a test.
    ///
    /// # Errors
    /// A sentence that names what is missing.
    pub(super) fn find(
        dialect: &TableDialect,
        head: &[Vec<&'h str>],
        known: &dyn Fn(&str) -> bool,
    ) -> Result<Columns<'h>, String> {
        let (before, header, units) = parts(dialect, head)?;
        let names: Vec<&str> = header.iter().map(|name| name.trim()).collect();
        let mut finder = Finder { names: &names, before, missing: Vec::new() };
        let mut places = BTreeMap::new();
        for (told, named) in &dialect.places {
            places.insert(*told, finder.any(named, dialect.optional.contains(told)));
        }
        let (aspects, tests) = match &dialect.layout {
            Layout::Results(aspects) => {
                let find = |(name, named): (&String, &Vec<_>)| (name.clone(), finder.any(named, false));
                (aspects.iter().map(find).collect(), Vec::new())
            }
            Layout::Tests(_) => (Vec::new(), tests(dialect, &names, &units, known)),
        };
        let mut rules = |rules: &mut dyn Iterator<Item = &TableRule>| -> Vec<Found> {
            rules.map(|rule| finder.one(&rule.at)).collect()
        };
        let pins = rules(&mut dialect.pins.iter().map(|(rule, _)| rule));
        let classes = rules(&mut dialect.classes.iter().map(|(rule, _)| rule));
        let not_results = rules(&mut dialect.not_results.iter());
        finder.complaint(dialect)?;
        if matches!(dialect.layout, Layout::Tests(_)) && tests.is_empty() {
            return Err("no column of the header is a test by the profile; nothing was read".to_owned());
        }
        let repeated = tests.iter().filter_map(|test| same_name(test.at, &names)).collect();
        let width = (dialect.header != Header::None).then_some(names.len());
        let columns = Columns {
            width,
            names,
            units,
            places,
            aspects,
            tests,
            repeated,
            pins,
            classes,
            not_results,
            positions: None,
        };
        let positions = (dialect.format == TableFormat::Fixed).then(|| columns.positions(dialect));
        Ok(Columns { positions, ..columns })
    }

    fn positions(&self, dialect: &TableDialect) -> Positions {
        let aspects = || self.aspects.iter().flat_map(|(_, places)| places);
        let rules = self.pins.iter().chain(&self.classes).chain(&self.not_results);
        let needed = [Told::Specimen, Told::Code, Told::Value].into_iter().flat_map(|told| self.of(told));
        let read = self.places.values().flatten().chain(aspects()).chain(rules);
        Positions::new(dialect.short_rows, read, needed.chain(aspects()), &dialect.unread)
    }

    /// The places that tell something, in the profile's order.
    pub(super) fn of(&self, told: Told) -> &[Found] {
        self.places.get(&told).map(Vec::as_slice).unwrap_or_default()
    }

    /// A column as a person finds it: its number from 1, and its name.
    pub(super) fn name(&self, at: usize) -> String {
        match self.names.get(at).filter(|name| !name.is_empty()) {
            Some(name) => format!("column {} ({name})", at + 1),
            None => format!("column {}", at + 1),
        }
    }

    /// Where a place is, as a person finds it.
    pub(super) fn where_is(&self, place: &Found) -> String {
        let first = place.0.iter().find_map(|piece| match piece {
            FoundPiece::Cells(cells) => cells.first().map(|at| self.name(*at)),
            FoundPiece::Characters(first, last) => Some(format!("positions {} to {last}", first + 1)),
            FoundPiece::Literal(_) => None,
        });
        first.unwrap_or_else(|| "the head".to_owned())
    }

    /// The unit that the row under the header gives for a column.
    pub(super) fn unit(&self, at: usize) -> Option<&'h str> {
        self.units.get(at).map(|unit| unit.trim()).filter(|unit| !unit.is_empty())
    }

    /// Whether a row says what the header says.
    pub(super) fn is_header<'r>(&self, row: impl Iterator<Item = &'r str>) -> bool {
        self.width.is_some() && row.map(str::trim).eq(self.names.iter().copied())
    }

    /// What the header's columns are, for a person who asks whether they changed.
    pub(super) fn habit(&self) -> Option<String> {
        self.width.map(|_| self.names.join("|"))
    }
}

type Parts<'a, 'h> = (&'a [Vec<&'h str>], Vec<&'h str>, Vec<&'h str>);

/// The rows before the header, the header, and the row of units.
fn parts<'a, 'h>(dialect: &TableDialect, head: &'a [Vec<&'h str>]) -> Result<Parts<'a, 'h>, String> {
    let missing = || "the header row is missing; nothing was read".to_owned();
    if dialect.header == Header::None || dialect.format == TableFormat::Fixed {
        return Ok((head, Vec::new(), Vec::new()));
    }
    let (units, head) = match dialect.header {
        Header::AboveUnits => {
            head.split_last().map(|(last, rest)| (last.clone(), rest)).ok_or_else(missing)?
        }
        _ => (Vec::new(), head),
    };
    let (header, before) = head.split_last().ok_or_else(missing)?;
    Ok((before, header.clone(), units))
}

/// The columns that are tests by their form, or, without a unit, by the bare code of a test that is known.
fn tests<'h>(
    dialect: &TableDialect,
    names: &[&'h str],
    units: &[&'h str],
    known: &dyn Fn(&str) -> bool,
) -> Vec<TestColumn<'h>> {
    let Layout::Tests(columns) = &dialect.layout else { return Vec::new() };
    let used = |name: &str| {
        let named = TableLocation::Named(name.to_owned());
        dialect.places.values().flatten().any(|place| place.locations().any(|it| *it == named))
    };
    let test = |(at, name): (usize, &&'h str)| {
        let bare = || (columns.may_be_bare(name) && known(name)).then_some((*name, None));
        let (code, unit) = columns.test(name).or_else(bare).filter(|_| !used(name))?;
        let below = || units.get(at).map(|unit| unit.trim());
        let flags = columns.flags.as_ref().map(|form| form.write(code));
        let flags = flags.and_then(|flags| names.iter().position(|name| *name == flags));
        Some(TestColumn { at, code, unit: unit.or_else(below).filter(|unit| !unit.is_empty()), flags })
    };
    let is_first =
        |at: usize| names.get(..at).is_some_and(|before| !before.contains(names.get(at).unwrap_or(&"")));
    names.iter().enumerate().filter(|(at, _)| is_first(*at)).filter_map(test).collect()
}

/// All columns of a test whose name stands more than once.
fn same_name(at: usize, names: &[&str]) -> Option<Found> {
    let name = names.get(at)?;
    let all: Vec<usize> = names.iter().enumerate().filter(|(_, it)| *it == name).map(|(at, _)| at).collect();
    (all.len() > 1).then(|| Found(vec![FoundPiece::Cells(all)]))
}

/// The columns that the profile knows by name.
fn named(dialect: &TableDialect) -> impl Iterator<Item = &str> {
    let aspects: Vec<&TablePlace> = match &dialect.layout {
        Layout::Results(aspects) => aspects.values().flatten().collect(),
        Layout::Tests(_) => Vec::new(),
    };
    let rules = dialect.pins.iter().map(|(rule, _)| rule).chain(dialect.classes.iter().map(|(rule, _)| rule));
    let rules = rules.chain(&dialect.not_results).map(|rule| &rule.at);
    let places = dialect.places.values().flatten().chain(aspects).chain(rules);
    places.flat_map(TablePlace::locations).filter_map(|location| match location {
        TableLocation::Named(name) => Some(name.as_str()),
        _ => None,
    })
}

struct Finder<'a, 'h> {
    names: &'a [&'h str],
    /// The rows before the header.
    before: &'a [Vec<&'h str>],
    missing: Vec<String>,
}

impl Finder<'_, '_> {
    /// Those of several places that the file has; at least one unless the part is optional.
    fn any(&mut self, places: &[TablePlace], optional: bool) -> Vec<Found> {
        let found: Vec<Found> = places.iter().filter_map(|place| self.place(place)).collect();
        if found.is_empty() && !optional && !places.is_empty() {
            let names: Vec<String> = places.iter().map(|place| format!("{:?}", place.to_string())).collect();
            let names = names.join(" or ");
            // Several rules may look at one column.
            if !self.missing.contains(&names) {
                self.missing.push(names);
            }
        }
        found
    }

    fn one(&mut self, place: &TablePlace) -> Found {
        self.any(std::slice::from_ref(place), false).pop().unwrap_or(Found(Vec::new()))
    }

    fn place(&self, place: &TablePlace) -> Option<Found> {
        place.0.iter().map(|piece| self.piece(piece)).collect::<Option<Vec<_>>>().map(Found)
    }

    fn piece(&self, piece: &TablePiece) -> Option<FoundPiece> {
        Some(match piece {
            TablePiece::Literal(text) => FoundPiece::Literal(text.clone()),
            TablePiece::At(TableLocation::Number(number)) => FoundPiece::Cells(vec![number - 1]),
            TablePiece::At(TableLocation::Characters(first, last)) => {
                FoundPiece::Characters(first - 1, *last)
            }
            TablePiece::At(TableLocation::Labelled(label)) => FoundPiece::Literal(self.labelled(label)?),
            TablePiece::At(TableLocation::Named(wanted)) => {
                let same = |(at, name): (usize, &&str)| (*name == wanted).then_some(at);
                let cells: Vec<usize> = self.names.iter().enumerate().filter_map(same).collect();
                (!cells.is_empty()).then_some(FoundPiece::Cells(cells))?
            }
        })
    }

    /// The text behind a label: in the next cell that holds something, or in its own cell behind `=` or `:`.
    fn labelled(&self, label: &str) -> Option<String> {
        self.before.iter().find_map(|row| {
            let at = row.iter().position(|cell| cell.trim().trim_end_matches(':') == label);
            let beside =
                at.map(|at| row.iter().skip(at + 1).map(|cell| cell.trim()).find(|cell| !cell.is_empty()));
            let behind = |cell: &&str| {
                let rest = cell.trim().trim_start_matches(['*', '#']).trim_start().strip_prefix(label)?;
                Some(rest.trim_start().strip_prefix(['=', ':'])?.trim().to_owned())
            };
            match beside {
                Some(text) => Some(text.unwrap_or_default().to_owned()),
                None => row.iter().find_map(behind),
            }
        })
    }

    fn complaint(&self, dialect: &TableDialect) -> Result<(), String> {
        /// So many names show what became of one.
        const SHOWN: usize = 8;
        if self.missing.is_empty() {
            return Ok(());
        }
        let wanted = |name: &str| named(dialect).any(|it| it == name);
        let is_test = |name: &str| match &dialect.layout {
            Layout::Tests(columns) => columns.test(name).is_some(),
            Layout::Results(_) => false,
        };
        let others = self.names.iter().filter(|name| !name.is_empty() && !wanted(name) && !is_test(name));
        let others: Vec<String> = others.take(SHOWN).map(|name| format!("{name:?}")).collect();
        let has = match (others.is_empty(), self.names.iter().any(|name| wanted(name))) {
            (true, _) => String::new(),
            (false, true) => format!("; it has {}", others.join(", ")),
            (false, false) => format!(
                "; the row that was taken for the header begins with {}: see to delimiter and header in the profile",
                others.join(", ")
            ),
        };
        let missing = self.missing.join(", ");
        Err(format!("the file's head lacks {missing}{has}; nothing was read by position instead"))
    }
}
