//! `[reconciliation]`: what counts as late, and where and when each day's report is written. It doesn't look whether the
//! folder is there.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use jiff::civil::Time;

use super::reader::Table;
use super::settings::{ReconciliationSettings, ReportFormat, ReportSettings};
use super::transport::path;

const FORMATS: [(&str, ReportFormat); 2] = [("json", ReportFormat::Json), ("csv", ReportFormat::Csv)];
const LATE: Duration = Duration::from_secs(900);

pub(super) fn default() -> (ReconciliationSettings, Range<usize>) {
    (ReconciliationSettings { late_after: LATE, reports: None }, 0..0)
}

/// The settings, and where the folder of the reports stands.
pub(super) fn read(table: &mut Table<'_>, folder: &Path) -> (ReconciliationSettings, Range<usize>) {
    let late_after = table.seconds("late_after_secs", 60..=604_800).unwrap_or(LATE);
    let place = table.entry("folder");
    let at = table.entry("at");
    let formats = table.entry("formats");
    let lonely = [&at, &formats].into_iter().flatten().find(|_| place.is_none());
    if let Some(lonely) = lonely {
        lonely.error("without a folder no report is written; write folder = \"/srv/labwire/reports\" too");
    }
    let at = at.and_then(|entry| entry.parsed(time)).unwrap_or(Time::constant(0, 15, 0, 0));
    let formats = formats.and_then(|entry| {
        let entries = entry.list()?;
        if entries.is_empty() {
            entry.error("formats is empty; write [\"json\"], [\"csv\"] or both");
        }
        Some(entries.iter().filter_map(|it| it.choice(&FORMATS)).collect::<Vec<_>>())
    });
    let mut formats = formats.unwrap_or_else(|| vec![ReportFormat::Json, ReportFormat::Csv]);
    formats.sort();
    formats.dedup();
    let span = place.as_ref().map_or(0..0, |entry| entry.span());
    let reports =
        place.and_then(|entry| path(&entry, folder)).map(|folder| ReportSettings { folder, at, formats });
    (ReconciliationSettings { late_after, reports }, span)
}

/// Hours and minutes.
fn time(text: &str) -> Result<Time, String> {
    let fits = text.len() == "00:15".len();
    let time = fits.then(|| Time::strptime("%H:%M", text).ok()).flatten();
    time.ok_or_else(|| format!("{text:?} is no time of day; write one such as \"00:15\""))
}
