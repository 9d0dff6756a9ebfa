//! `[otlp]`: where traces go. It never connects.

use std::path::Path;

use super::reader::Table;
use super::settings::Otlp;

/// `[otlp]`, in a program that was built without it.
#[cfg(not(feature = "otlp"))]
pub(super) fn read(table: &mut Table<'_>, _: &Path) -> Option<Otlp> {
    table.free_entries();
    table.error("this program was built without OTLP; build it with --features otlp");
    None
}

/// `[otlp]`.
#[cfg(feature = "otlp")]
pub(super) fn read(table: &mut Table<'_>, folder: &Path) -> Option<Otlp> {
    use super::destination::web;

    let example = "\"http://127.0.0.1:4318/v1/traces\"";
    let in_the_clear = "traces leave this machine unencrypted; write https:// where the collector allows it";
    let url = table.required("url", example).and_then(|entry| web::address(&entry, example, in_the_clear));
    let web = web::read(table, folder);
    Some(Otlp { url: url?, web })
}
