//! What belongs to what: a result to its order, an order to its specimen, a specimen to its patient. Read from the order
//! in which segments stand, not from the message's declared structure. It reads no content but a supplement's signs.

use std::collections::BTreeSet;

use labwire_hl7::message::{Message, Path, Segment};

use crate::domain::profile::Hl7Dialect;

/// How wide a scope is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Message,
    Patient,
    /// Only where specimens come before their orders, as in OUL^R22.
    Specimen,
    Order,
}

/// Segments that say something of everything below them.
pub(super) struct Scope<'m> {
    level: Level,
    parent: Option<usize>,
    segments: Vec<Segment<'m>>,
    pub(super) notes: Vec<Segment<'m>>,
    /// What belongs to its results as a whole, such as an image before the first of them.
    pub(super) supplements: Vec<Segment<'m>>,
}

/// A result where it was found.
pub(super) struct Found<'m> {
    pub(super) obx: Segment<'m>,
    pub(super) scope: usize,
    pub(super) notes: Vec<Segment<'m>>,
    pub(super) supplements: Vec<Segment<'m>>,
}

pub(super) struct Scopes<'m> {
    scopes: Vec<Scope<'m>>,
    pub(super) results: Vec<Found<'m>>,
    /// Queries, each in its scope.
    pub(super) queries: Vec<(Segment<'m>, usize)>,
    /// What the profile doesn't know.
    pub(super) strays: Vec<Segment<'m>>,
}

/// What an NTE or a supplement would belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Scope,
    Result,
}

struct Builder<'a, 'm> {
    dialect: &'a Hl7Dialect,
    found: Scopes<'m>,
    current: usize,
    owner: Owner,
    /// Whether the message at hand names specimens before orders.
    specimens_lead: bool,
}

impl<'m> Scopes<'m> {
    pub(super) fn of(message: &Message<'m>, dialect: &Hl7Dialect) -> Scopes<'m> {
        let found =
            Scopes { scopes: Vec::new(), results: Vec::new(), queries: Vec::new(), strays: Vec::new() };
        let mut builder = Builder { dialect, found, current: 0, owner: Owner::Scope, specimens_lead: false };
        let segments: Vec<Segment<'m>> = message.segments().collect();
        for (index, segment) in segments.iter().enumerate() {
            if segment.is(b"MSH") {
                builder.specimens_lead = specimens_lead(segments.get(index + 1..).unwrap_or_default());
            }
            builder.take(*segment);
        }
        builder.found
    }

    pub(super) fn scope(&self, at: usize) -> Option<&Scope<'m>> {
        self.scopes.get(at)
    }

    /// The scope of a level that this one is, or lies in.
    pub(super) fn above(&self, from: usize, level: Level) -> Option<usize> {
        let mut at = Some(from);
        while let Some(scope) = at {
            let here = self.scopes.get(scope)?;
            if here.level == level {
                return Some(scope);
            }
            at = here.parent;
        }
        None
    }

    /// Orders without a result, each in its scope.
    pub(super) fn bare_orders(&self) -> impl Iterator<Item = (Segment<'m>, usize)> {
        let with_results: BTreeSet<usize> = self.results.iter().map(|found| found.scope).collect();
        let orders = self.scopes.iter().enumerate().filter(|(_, scope)| scope.level == Level::Order);
        let segment = |(at, scope): (usize, &Scope<'m>)| {
            Some((*scope.segments.iter().find(|segment| segment.is(b"OBR"))?, at))
        };
        orders.filter_map(segment).filter(move |(_, at)| !with_results.contains(at))
    }

    /// The segment that a path means, seen from a scope: the OBX itself, or the nearest of that name.
    pub(super) fn find(&self, path: &Path, obx: Option<&Segment<'m>>, from: usize) -> Option<Segment<'m>> {
        if let Some(obx) = obx.filter(|obx| obx.is(&path.segment)) {
            return Some(*obx);
        }
        let nth = path.occurrence.unwrap_or(1).checked_sub(1)?;
        let mut at = Some(from);
        while let Some(scope) = at {
            let here = self.scopes.get(scope)?;
            let found = here.segments.iter().filter(|segment| segment.is(&path.segment)).nth(nth);
            if found.is_some() {
                return found.copied();
            }
            at = here.parent;
        }
        None
    }
}

/// Whether an SPM or SAC comes before the first order.
fn specimens_lead(rest: &[Segment<'_>]) -> bool {
    let message = rest.iter().take_while(|segment| !segment.is(b"MSH"));
    let mut telling =
        message.filter(|segment| is_specimen(segment) || is_order(segment) || segment.is(b"OBX"));
    telling.next().is_some_and(is_specimen)
}

fn is_specimen(segment: &Segment<'_>) -> bool {
    segment.is(b"SPM") || segment.is(b"SAC")
}

fn is_order(segment: &Segment<'_>) -> bool {
    segment.is(b"OBR") || segment.is(b"ORC")
}

impl<'m> Builder<'_, 'm> {
    fn take(&mut self, segment: Segment<'m>) {
        let name = <[u8; 3]>::try_from(segment.name()).ok();
        let known = name.is_some_and(|name| self.dialect.segments.contains(&name));
        match segment.name() {
            b"MSH" => self.enter(Level::Message, segment),
            b"FHS" | b"BHS" | b"BTS" | b"FTS" => {}
            b"PID" => self.enter(Level::Patient, segment),
            b"SPM" | b"SAC" if self.specimens_lead => self.specimen(segment),
            b"QPD" | b"QRD" | b"ORC" if self.dialect.queries.asks(&segment) => {
                self.keep(segment);
                self.found.queries.push((segment, self.current));
            }
            b"OBR" | b"ORC" => self.order(segment),
            b"OBX" => self.observation(segment),
            b"NTE" => self.note(segment),
            _ if !known => self.found.strays.push(segment),
            _ if self.owner == Owner::Result && !is_specimen(&segment) => self.supplement(segment),
            _ => self.keep(segment),
        }
    }

    fn has(&self, name: &[u8; 3]) -> bool {
        let here = self.found.scopes.get(self.current);
        here.is_some_and(|scope| scope.segments.iter().any(|segment| segment.is(name)))
    }

    fn level(&self) -> Level {
        self.found.scopes.get(self.current).map_or(Level::Message, |scope| scope.level)
    }

    /// Leaves everything that isn't wider than the new scope, and opens it.
    fn enter(&mut self, level: Level, segment: Segment<'m>) {
        let mut parent = Some(self.current).filter(|_| !self.found.scopes.is_empty());
        while let Some(scope) = parent.and_then(|at| self.found.scopes.get(at)).filter(|it| it.level >= level)
        {
            parent = scope.parent;
        }
        let segments = vec![segment];
        let (notes, supplements) = (Vec::new(), Vec::new());
        self.found.scopes.push(Scope { level, parent, segments, notes, supplements });
        self.current = self.found.scopes.len() - 1;
        self.owner = Owner::Scope;
    }

    fn keep(&mut self, segment: Segment<'m>) {
        match self.found.scopes.get_mut(self.current) {
            Some(scope) => scope.segments.push(segment),
            None => self.enter(Level::Message, segment),
        }
    }

    /// SPM and the SAC with it describe one specimen; what comes after an order or a second of either is the next.
    fn specimen(&mut self, segment: Segment<'m>) {
        let name = if segment.is(b"SPM") { b"SPM" } else { b"SAC" };
        let begins = self.level() != Level::Specimen || self.has(name) || self.owner == Owner::Result;
        if begins { self.enter(Level::Specimen, segment) } else { self.keep(segment) }
    }

    /// ORC and OBR describe one order, whichever comes first; a second of either is the next.
    fn order(&mut self, segment: Segment<'m>) {
        let name = if segment.is(b"OBR") { b"OBR" } else { b"ORC" };
        let follows_results = self.owner == Owner::Result;
        let begins = self.level() != Level::Order || self.has(name) || follows_results;
        if begins { self.enter(Level::Order, segment) } else { self.keep(segment) }
    }

    fn observation(&mut self, segment: Segment<'m>) {
        let is_supplement = self.dialect.supplements.iter().any(|rule| {
            let text = segment.at(&rule.at.path).text();
            segment.is(&rule.at.path.segment) && rule.is.matches(text.text.trim())
        });
        if is_supplement {
            return self.supplement(segment);
        }
        let (notes, supplements) = (Vec::new(), Vec::new());
        self.found.results.push(Found { obx: segment, scope: self.current, notes, supplements });
        self.owner = Owner::Result;
    }

    fn supplement(&mut self, segment: Segment<'m>) {
        let supplements = match self.owner {
            Owner::Result => self.found.results.last_mut().map(|result| &mut result.supplements),
            Owner::Scope => self.found.scopes.get_mut(self.current).map(|scope| &mut scope.supplements),
        };
        match supplements {
            Some(supplements) => supplements.push(segment),
            None => self.found.strays.push(segment),
        }
    }

    fn note(&mut self, segment: Segment<'m>) {
        let notes = match self.owner {
            Owner::Result => self.found.results.last_mut().map(|result| &mut result.notes),
            Owner::Scope => self.found.scopes.get_mut(self.current).map(|scope| &mut scope.notes),
        };
        match notes {
            Some(notes) => notes.push(segment),
            None => self.found.strays.push(segment),
        }
    }
}
