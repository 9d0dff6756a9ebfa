//! Which column of this file tells what, by its header. A column that the profile names and the header lacks is said,
//! never sought by its position.

use std::collections::BTreeMap;

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
    /// In the order of the dialect.
    pub(super) pins: Vec<Found>,
    pub(super) classes: Vec<Found>,
    pub(super) not_results: Vec<Found>,
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
    /// Looks for every place of the dialect.
    ///
    /// # Errors
    /// A sentence that names what is missing.
    pub(super) fn find(dialect: &TableDialect, head: &[Vec<&'h str>]) -> Result<Columns<'h>, String> {
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
            Layout::Tests(_) => (Vec::new(), tests(dialect, &names, &units)),
        };
        let mut rules = |rules: &mut dyn Iterator<Item = &TableRule>| -> Vec<Found> {
            rules.map(|rule| finder.one(&rule.at)).collect()
        };
        let pins = rules(&mut dialect.pins.iter().map(|(rule, _)| rule));
        let classes = rules(&mut dialect.classes.iter().map(|(rule, _)| rule));
        let not_results = rules(&mut dialect.not_results.iter());
        finder.complaint()?;
        if matches!(dialect.layout, Layout::Tests(_)) && tests.is_empty() {
            return Err("no column of the header is a test by the profile; nothing was read".to_owned());
        }
        let width = (dialect.header != Header::None).then_some(names.len());
        Ok(Columns { width, names, units, places, aspects, tests, pins, classes, not_results })
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

    /// The unit that the row under the header gives for a column.
    pub(super) fn unit(&self, at: usize) -> Option<&'h str> {
        self.units.get(at).map(|unit| unit.trim()).filter(|unit| !unit.is_empty())
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

fn tests<'h>(dialect: &TableDialect, names: &[&'h str], units: &[&'h str]) -> Vec<TestColumn<'h>> {
    let Layout::Tests(columns) = &dialect.layout else { return Vec::new() };
    let used = |name: &str| {
        let named = TableLocation::Named(name.to_owned());
        dialect.places.values().flatten().any(|place| place.locations().any(|it| *it == named))
    };
    let test = |(at, name): (usize, &&'h str)| {
        let (code, unit) = columns.test(name).filter(|_| !used(name))?;
        let below = || units.get(at).map(|unit| unit.trim());
        let flags = columns.flags.as_ref().map(|form| form.write(code));
        let flags = flags.and_then(|flags| names.iter().position(|name| *name == flags));
        Some(TestColumn { at, code, unit: unit.or_else(below).filter(|unit| !unit.is_empty()), flags })
    };
    names.iter().enumerate().filter_map(test).collect()
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
            self.missing.push(names.join(" or "));
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

    fn complaint(&self) -> Result<(), String> {
        let missing = self.missing.join(", ");
        match self.missing.len() {
            0 => Ok(()),
            _ => Err(format!("the file's head lacks {missing}; nothing was read by position instead")),
        }
    }
}
