//! Whether a row has the form of one: all of it there, no other row in it, and not the header or the trailer. What it
//! says is read elsewhere.

use super::{Fault, RowReader, first_text};
use crate::domain::profile::{ShortRows, Told};
use crate::pipeline::interpret::table::Row;

impl RowReader<'_> {
    /// The row that closes the table. What is as wide as a result and names a test is none, however it begins.
    pub(super) fn is_trailer(&self, row: &Row<'_>) -> bool {
        let first = row.cells.first().map(|cell| cell.text.trim()).unwrap_or_default();
        let begins_so = self.trailer.is_some_and(|begins| {
            let begins = begins.trim_matches('"');
            !first.is_empty() && (first.starts_with(begins) || begins.starts_with(first))
        });
        begins_so && !self.tells_a_result(row)
    }

    /// Whether a row begins with just what the row that closes the table begins with, and could be a result's all the same.
    pub(super) fn is_either(&self, row: &Row<'_>) -> bool {
        let first = row.cells.first().map(|cell| cell.text.trim()).unwrap_or_default();
        self.trailer.is_some_and(|begins| begins.trim_matches('"') == first) && self.tells_a_result(row)
    }

    fn tells_a_result(&self, row: &Row<'_>) -> bool {
        let is_as_wide = match (&self.columns.positions, self.columns.width) {
            (Some(positions), _) => positions.fit(first_text(row)).is_ok(),
            (None, Some(width)) => row.cells.len() == width,
            (None, None) => false,
        };
        let names_a_test = || self.trimmed(row, Told::Code).is_ok_and(|code| !code.is_empty());
        is_as_wide && names_a_test()
    }

    /// Whether everything of the row came, as far as its form tells.
    pub(super) fn whole(&self, row: &Row<'_>) -> Result<(), Fault> {
        if let Some(at) = row.cells.iter().position(|cell| cell.text.contains('\0')) {
            let place = self.columns.positions.is_none().then(|| format!("{}: ", self.columns.name(at)));
            let place = place.unwrap_or_default();
            return Err(format!(
                "{place}zero bytes stand in it, as where a part of a file was never written"
            ));
        }
        if let Some(positions) = &self.columns.positions {
            return positions.fit(first_text(row));
        }
        let Some(width) = self.columns.width else { return Ok(()) };
        let cells = row.cells.len();
        let beyond = row.cells.iter().skip(width).any(|cell| !cell.text.trim().is_empty());
        // A sheet has no cells where nothing stands.
        let may_be_short = self.dialect.short_rows == ShortRows::Filled || self.is_workbook();
        if beyond || (cells < width && !may_be_short) {
            return Err(format!("it has {cells} cells, and the header has {width}"));
        }
        Ok(())
    }

    /// Whether the row names its test, where it has one of its own. A header that comes again names none.
    pub(super) fn named(&self, row: &Row<'_>) -> Result<(), Fault> {
        if self.columns.is_header(row.cells.iter().map(|cell| cell.text)) {
            return Err("the header comes again, as where two files were joined".to_owned());
        }
        let places = self.columns.of(Told::Code);
        match places.first() {
            Some(place) if self.first(row, places, Told::Code)?.0.trim().is_empty() => {
                Err(format!("it names no test: nothing stands in {}", self.columns.where_is(place)))
            }
            _ => Ok(()),
        }
    }
}
