//! The keys of a destination that is a folder. It doesn't look whether the folder is there.

use std::path::Path;

use super::{Read, hl7};
use crate::config::reader::Table;
use crate::config::settings::{Folder, Format, Kind, OnUnknown};
use crate::config::transport::path;

/// What a file holds, before its own keys are read.
#[derive(Clone, Copy)]
enum Word {
    Hl7,
    Csv,
}

const FORMATS: [(&str, Word); 2] = [("hl7", Word::Hl7), ("csv", Word::Csv)];

pub(super) fn read(table: &mut Table<'_>, folder: &Path) -> Read {
    let place = table.required("folder", "\"/srv/lims/results\"").and_then(|entry| path(&entry, folder));
    let format = match table.choice("format", &FORMATS).unwrap_or(Word::Hl7) {
        Word::Hl7 => Format::Hl7(hl7::read(table)),
        Word::Csv => Format::Csv,
    };
    let kind = Kind::Folder(Folder { folder: place.unwrap_or_default(), format });
    // A second attempt finds the first one's file: nothing stays unknown.
    Read { kind, parallel: 1, on_unknown: OnUnknown::Resend }
}
