//! One file of `instruments.d`: one machine at this site. What it may not share with others is [`super::claims`]'s job.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use encoding_rs::Encoding;
use jiff::tz::TimeZone;
use labwire_units::{Aliases, Analytes};

use super::codes::Codes;
use super::profile::time_format;
use super::profiles::Profiles;
use super::reader::Table;
use super::settings::{
    FinishedTests, Instrument, Line, OrderRules, RerunPolicy, SpecimenRules, Transport, UnorderedPolicy,
};
use super::{analytes, codes, link, transport};
use crate::domain::InstrumentId;
use crate::domain::profile::{Dialect, EqualWithoutHour, Hl7Queries, Profile};

const DECIMAL_SEPARATORS: [(&str, char); 2] = [(".", '.'), (",", ',')];
const THOUSANDS_SEPARATORS: [(&str, Option<char>); 5] =
    [(",", Some(',')), (".", Some('.')), ("'", Some('\'')), (" ", Some(' ')), ("none", None)];
const RERUNS: [(&str, RerunPolicy); 2] = [("forward", RerunPolicy::Forward), ("hold", RerunPolicy::Hold)];
const EQUAL_WITHOUT_HOUR: [(&str, EqualWithoutHour); 2] =
    [("held", EqualWithoutHour::Held), ("same", EqualWithoutHour::Same)];
const UNORDERED: [(&str, UnorderedPolicy); 3] =
    [("deliver", UnorderedPolicy::Deliver), ("mark", UnorderedPolicy::Mark), ("hold", UnorderedPolicy::Hold)];

/// An instrument file as far as it could be read.
pub(super) struct Draft {
    /// `None` when something in the file is wrong.
    pub(super) instrument: Option<Instrument>,
    /// What it claims for itself; `None` when its transport is wrong.
    pub(super) claim: Option<Claim>,
}

/// What instrument files may name.
pub(super) struct Shared<'a> {
    pub(super) profiles: &'a Profiles,
    pub(super) analytes: &'a Analytes,
    /// By the names of their files.
    pub(super) code_maps: &'a BTreeMap<String, Codes>,
}

/// What an instrument wants for itself, or must share in a way that keeps it distinguishable.
pub(super) struct Claim {
    pub(super) transport: Transport,
    /// Where the file names the device or address.
    pub(super) span: Range<usize>,
    pub(super) sender: Option<String>,
    pub(super) line: Line,
    pub(super) download: bool,
}

/// Reads one instrument's file. Paths in it are relative to `folder`.
pub(super) fn read(id: &InstrumentId, file: &mut Table<'_>, folder: &Path, shared: &Shared<'_>) -> Draft {
    let profile = file
        .required("profile", "\"NAME\", or \"NAME/REVISION\" to stay with one revision")
        .and_then(|entry| entry.parsed(|name| shared.profiles.find(name)))
        .flatten();
    let description = file.text("description").unwrap_or_default();
    let hl7 = profile.as_deref().is_some_and(|profile| matches!(profile.dialect, Dialect::Hl7(_)));
    // A connection of ASTM is one dialogue; peers that speak HL7 open several.
    let connections = if hl7 { 4 } else { 1 };
    let placed = transport::read(file, folder, connections);
    let sender = file.parsed("sender", sender);
    let is = |wanted: fn(&Transport) -> bool| placed.as_ref().is_some_and(|it| wanted(&it.transport));
    let serial = is(|transport| matches!(transport, Transport::Serial(_)));
    let dropped = is(|transport| matches!(transport, Transport::Drop(_)));
    let line = match profile.as_deref() {
        Some(_) if dropped => {
            file.table("link", |table| {
                table.free_entries();
                table.error("[link] is about connections, and files have none; remove the table");
            });
            Some(Line::Files)
        }
        // What is wrong with its place was told there.
        Some(profile) if placed.is_none() && matches!(profile.dialect, Dialect::Table(_)) => None,
        Some(profile) => line(profile, serial, file),
        None => {
            // Which keys it may hold depends on the profile's protocol.
            file.table("link", Table::free_entries);
            None
        }
    };
    let time_zone = file.required("time_zone", "\"Europe/Berlin\"").and_then(|entry| entry.parsed(time_zone));
    let astm = profile.as_deref().is_some_and(|profile| matches!(profile.dialect, Dialect::Astm(_)));
    let usual = astm.then_some(encoding_rs::WINDOWS_1252);
    let character_set = file.parsed("character_set", character_set).or(usual);
    let decimal_separator = file.choice("decimal_separator", &DECIMAL_SEPARATORS).unwrap_or('.');
    let profile = match file.choice("thousands_separator", &THOUSANDS_SEPARATORS) {
        Some(sign) if sign == Some(decimal_separator) => {
            file.error("thousands_separator and decimal_separator are the same: nobody could say which of the two it is");
            profile
        }
        Some(thousands_separator) => {
            profile.map(|profile| Arc::new(Profile { thousands_separator, ..(*profile).clone() }))
        }
        None => profile,
    };
    let profile = match file.list("times", |entry| entry.parsed(time_format)) {
        Some(times) => profile.map(|profile| with_times(profile, times, file)),
        None => profile,
    };
    let failed = file.table("failed_values", failed_values).unwrap_or_default();
    let profile = profile.map(|profile| with_failures(profile, failed));
    let specimen = file.table("specimen", specimen).unwrap_or_else(default_specimen);
    let Codes { codes, panels } =
        codes::of_instrument(file, shared.code_maps, shared.analytes, profile.as_deref());
    let units = file.table("units", aliases).unwrap_or_default();
    let specimen_kinds = file.table("specimen_kinds", specimen_kinds).unwrap_or_default();
    let resend_window = file.seconds("resend_window_secs", 0..=604_800).unwrap_or(Duration::from_secs(600));
    let equal_without_hour = equal_without_hour(file, dropped, profile.as_deref());
    let rerun = file.choice("rerun", &RERUNS).unwrap_or(RerunPolicy::Forward);
    let orders = order_rules(file);
    let download = file.flag("download").unwrap_or(false);
    if let Some(profile) = profile.as_deref().filter(|_| download)
        && !can_be_told(profile)
    {
        file.error(format!(
            "profile {} can't be told of work that it didn't ask for; remove download",
            profile.name
        ));
    }
    let clock_limit = file.number("clock_limit_mins", 1..=720_i64).map(SignedDuration::from_mins);
    if clock_limit.is_some() && profile.as_deref().is_some_and(|it| matches!(it.dialect, Dialect::Table(_))) {
        file.error("a file doesn't say when it was sent, so its analyzer's clock can't be judged; remove clock_limit_mins");
    }

    let claim = placed.zip(line).map(|(placed, line)| Claim {
        transport: placed.transport,
        span: placed.span,
        sender: sender.clone(),
        line,
        download,
    });
    let instrument = match (profile, &claim, time_zone) {
        (Some(profile), Some(claim), Some(time_zone)) => Some(Instrument {
            id: id.clone(),
            description,
            profile: Arc::clone(&profile),
            transport: claim.transport.clone(),
            sender,
            line: claim.line.clone(),
            time_zone,
            character_set,
            decimal_separator,
            specimen,
            codes: Arc::new(codes),
            panels,
            units,
            specimen_kinds,
            resend_window,
            equal_without_hour,
            rerun,
            orders,
            download,
            clock_limit,
        }),
        _ => None,
    };
    Draft { instrument, claim }
}

/// What the site says of its files, else what is known of the model's.
fn equal_without_hour(file: &mut Table<'_>, dropped: bool, profile: Option<&Profile>) -> EqualWithoutHour {
    let entry = file.entry("equal_without_hour");
    if let Some(entry) = entry.as_ref().filter(|_| !dropped) {
        entry.error("equal_without_hour is about files, and there are none; remove the line");
    }
    let own = entry.and_then(|entry| entry.choice(&EQUAL_WITHOUT_HOUR));
    own.or(profile.and_then(|profile| profile.equal_without_hour)).unwrap_or(EqualWithoutHour::Held)
}

/// Whether there is a way to tell a model of work that it didn't ask for.
fn can_be_told(profile: &Profile) -> bool {
    match &profile.dialect {
        Dialect::Astm(_) => true,
        Dialect::Hl7(dialect) => dialect.queries == Hl7Queries::Law,
        Dialect::Table(_) => false,
    }
}

/// What happens to results that don't belong to an order without a doubt. What was taken back goes as what was never
/// ordered, unless the site says otherwise.
fn order_rules(file: &mut Table<'_>) -> OrderRules {
    let mut rule = |key, usual| file.choice(key, &UNORDERED).unwrap_or(usual);
    let not_ordered = rule("unordered", UnorderedPolicy::Deliver);
    OrderRules {
        not_ordered,
        cancelled: rule("order_cancelled", not_ordered),
        done: rule("order_done", UnorderedPolicy::Deliver),
        other_kind: rule("other_specimen_kind", UnorderedPolicy::Mark),
        other_patient: rule("other_patient", UnorderedPolicy::Mark),
        several_patients: rule("several_patients", UnorderedPolicy::Hold),
        finished: match file.flag("repeat_finished") {
            Some(true) => FinishedTests::Repeat,
            Some(false) | None => FinishedTests::Leave,
        },
    }
}

/// The profile with this site's way of writing times: the system's region decides it, not the model.
fn with_times(profile: Arc<Profile>, times: Vec<String>, file: &Table<'_>) -> Arc<Profile> {
    let Dialect::Table(table) = &profile.dialect else {
        file.error(format!(
            "profile {} reads no files, whose times could be written otherwise",
            profile.name
        ));
        return profile;
    };
    let dialect = Dialect::Table(Box::new(table.as_ref().clone().with_times(times)));
    Arc::new(Profile { dialect, ..(*profile).clone() })
}

/// The profile with what this site knows of values that mean that the run failed.
fn with_failures(profile: Arc<Profile>, own: BTreeMap<String, String>) -> Arc<Profile> {
    if own.is_empty() {
        return profile;
    }
    let mut failed_values = profile.failed_values.clone();
    failed_values.extend(own);
    Arc::new(Profile { failed_values, ..(*profile).clone() })
}

/// Each value, exactly as sent, with the reason that the LIMS is told.
fn failed_values(table: &mut Table<'_>) -> BTreeMap<String, String> {
    let reason = |text: &str| match text.trim().is_empty() {
        true => Err("the reason is empty; write what the LIMS is told".to_owned()),
        false => Ok(text.to_owned()),
    };
    let entries = table.free_entries().into_iter();
    entries.filter_map(|(name, entry)| Some((name.text.to_owned(), entry.parsed(reason)?))).collect()
}

/// The profile's protocol with the changes that `[link]` makes.
fn line(profile: &Profile, serial: bool, file: &mut Table<'_>) -> Option<Line> {
    let line = match &profile.dialect {
        Dialect::Astm(astm) => {
            let changed = file.table("link", |table| {
                let link = link::changed(astm.link.clone(), table);
                if serial && link.tolerances.raw_records {
                    let text =
                        "raw_records needs TCP; a serial line without checksums can alter a result unseen";
                    table.error(text);
                }
                link
            });
            Line::Astm(changed.unwrap_or_else(|| astm.link.clone()))
        }
        Dialect::Hl7(hl7) => {
            let changed = file.table("link", |table| link::changed_mllp(hl7.link.clone(), table));
            Line::Mllp(changed.unwrap_or_else(|| hl7.link.clone()), hl7.acknowledging.clone())
        }
        Dialect::Table(_) => {
            file.error(format!(
                "profile {} reads files, and nothing else; write [folder], [ftp] or [sftp]",
                profile.name
            ));
            return None;
        }
    };
    Some(line)
}

fn sender(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err(
            "sender is empty; write what the analyzer sends in H.5 or MSH-3, or remove the line".to_owned()
        );
    }
    Ok(text.to_owned())
}

fn specimen_kinds(table: &mut Table<'_>) -> BTreeMap<String, String> {
    let kinds = table.free_entries().into_iter();
    kinds.filter_map(|(name, entry)| Some((name.text.to_owned(), entry.text()?.to_owned()))).collect()
}

fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name)
        .map_err(|_| format!("unknown time_zone {name:?}; write an IANA name such as \"Europe/Berlin\""))
}

pub(super) fn character_set(name: &str) -> Result<&'static Encoding, String> {
    let label = match name {
        "latin-1" => "latin1",
        other => other,
    };
    Encoding::for_label_no_replacement(label.as_bytes())
        .filter(|encoding| encoding.is_ascii_compatible())
        .ok_or_else(|| {
            format!(
                "unknown character_set {name:?}; write \"utf-8\", \"latin-1\", \"ascii\", \"gbk\" or another \
                 label of the WHATWG Encoding Standard that contains ASCII"
            )
        })
}

fn default_specimen() -> SpecimenRules {
    SpecimenRules { trim: true, ..SpecimenRules::default() }
}

fn specimen(table: &mut Table<'_>) -> SpecimenRules {
    let default = default_specimen();
    SpecimenRules {
        trim: table.flag("trim").unwrap_or(default.trim),
        suffix_separators: table.text("suffix_separators").unwrap_or_default(),
        strip_prefix: table.text("strip_prefix").unwrap_or_default(),
        strip_leading_zeros: table.flag("strip_leading_zeros").unwrap_or(default.strip_leading_zeros),
        pad_to: table.number("pad_to", 1..=64),
        truncated_at: table.number("truncated_at", 1..=64),
    }
}

/// What the analyzer writes, and the UCUM unit that it means.
pub(super) fn aliases(table: &mut Table<'_>) -> Aliases {
    let entries = table.free_entries().into_iter();
    let known =
        entries.filter_map(|(name, entry)| Some((name.text.to_owned(), entry.parsed(analytes::unit)?)));
    Aliases::new(known.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn character_sets_go_by_the_names_that_analyzer_manuals_use() {
        for (name, expected) in [
            ("utf-8", Some("UTF-8")),
            ("latin-1", Some("windows-1252")),
            ("iso-8859-1", Some("windows-1252")),
            ("ascii", Some("windows-1252")),
            ("gbk", Some("GBK")),
            ("shift_jis", Some("Shift_JIS")),
            ("utf-16le", None),
            ("hz-gb-2312", None),
            ("klingon", None),
        ] {
            assert_eq!(character_set(name).ok().map(Encoding::name), expected, "{name}");
        }
    }
}
