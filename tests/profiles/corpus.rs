//! Every public capture of a known model gives the results that stand in it. Passes, and says so, where the captures
//! are absent.

use std::path::Path;
use std::sync::Arc;

use labwire::domain::CodeMapping;
use labwire::pipeline::{Context, Reading, process};

/// Folder, the beginning of the file names, profile, results and queries in each file, kinds of problem.
type Row = (&'static str, &'static str, &'static str, usize, usize, &'static [&'static str]);

const EXPECTED: [Row; 18] = [
    ("ortho_vitros_3600", "2020-11-11-21", "ortho-vitros-3600", 3, 0, &[]),
    ("ortho_vitros_3600", "2020-11-11-22", "ortho-vitros-3600", 8, 0, &[]),
    ("ortho_vitros_3600", "2020-11-21-13", "ortho-vitros-3600", 4, 0, &[]),
    ("ortho_vitros_3600", "2020-11-21-11-10-01", "ortho-vitros-3600", 0, 1, &[]),
    ("ortho_vitros_3600", "2020-11-21-11-10-11", "ortho-vitros-3600", 0, 1, &[]),
    ("ortho_vitros_3600", "out_2020-11-21-13-10-55", "ortho-vitros-3600", 0, 1, &[]),
    ("ortho_vitros_3600", "out_2020-11-21-13-11-05", "ortho-vitros-3600", 0, 1, &[]),
    ("horiba_yumizen_h500", "", "horiba-yumizen-h500", 27, 0, &[]),
    ("erba_xl_series", "2", "erba-xl", 1, 0, &[]),
    ("erba_xl_series", "multi", "erba-xl", 0, 1, &[]),
    ("beckman_unicel_dxh", "results", "beckman-dxh", 28, 0, &[]),
    ("beckman_unicel_dxh", "requests", "beckman-dxh", 0, 1, &[]),
    ("siemens_advia_centaur_xp", "results_5", "siemens-centaur-xp", 4, 0, &[]),
    ("siemens_advia_centaur_xp", "results", "siemens-centaur-xp", 3, 0, &[]),
    ("siemens_advia_centaur_xp", "requests", "siemens-centaur-xp", 0, 1, &[]),
    ("abbott_architect", "", "abbott-architect", 29, 0, &[]),
    // What a host sent to an analyzer, which holds no result.
    ("beckman_unicel_dxh", "orders", "beckman-dxh", 0, 0, &["no-result"]),
    ("siemens_advia_centaur_xp", "orders", "siemens-centaur-xp", 0, 0, &["no-result"]),
];

/// The text of all frames, or the bytes as they are where there is no frame. One file writes its control characters
/// out, as `^B`.
fn unframed(bytes: &[u8]) -> Vec<u8> {
    if let Some(typed) = bytes.strip_prefix(b"^E^B1") {
        let end = typed.windows(3).position(|window| window == b"\n^C");
        return typed.iter().take(end.unwrap_or(typed.len())).copied().collect();
    }
    if !bytes.contains(&0x02) {
        return bytes.to_vec();
    }
    let frames = bytes.split(|byte| *byte == 0x02).skip(1);
    let texts = frames.filter_map(|frame| frame.split(|byte| [0x03, 0x17].contains(byte)).next());
    texts.flat_map(|text| text.iter().skip(1)).copied().collect()
}

#[test]
fn every_capture_of_a_known_model_gives_its_results() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/astm");
    if !root.exists() {
        println!("no captures at {}: nothing to read", root.display());
        return;
    }
    let profiles = crate::profiles();
    let context = Context { received_at: crate::received_at() };
    let (mut files, mut results) = (0, 0);
    for folder in ["ortho_vitros_3600", "horiba_yumizen_h500", "erba_xl_series", "beckman_unicel_dxh"]
        .into_iter()
        .chain(["siemens_advia_centaur_xp", "abbott_architect"])
    {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let row = EXPECTED.iter().find(|row| row.0 == folder && name.starts_with(row.1));
            let Some((_, _, profile, observations, queries, problems)) = row else { continue };
            let bytes = unframed(&std::fs::read(&path).unwrap());
            let outcome = process(&bytes, &crate::reading(&profiles[*profile]), &context);
            let kinds: Vec<_> = outcome.problems.iter().map(|problem| problem.kind.name()).collect();
            assert_eq!(
                kinds,
                *problems,
                "{folder}/{name}: {:?}",
                outcome.problems.first().map(|p| p.text.reveal())
            );
            assert_eq!(outcome.observations.len(), *observations, "{folder}/{name}");
            assert_eq!(outcome.queries.len(), *queries, "{folder}/{name}");
            files += 1;
            results += outcome.observations.len();
        }
    }
    println!("read {files} captures, {results} results");
    assert!(files > 0 && results > 0, "the folder of captures exists but nothing was read");
}

/// Folder, a part of the file name, profile, the codes that a lab would list, results and queries, kinds of problem.
type Hl7Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    usize,
    usize,
    &'static [&'static str],
);

const CBC: &[&str] =
    &["WBC", "RBC", "HGB", "HCT", "MCV", "MCH", "MCHC", "PLT", "NEUT%", "LYMPH%", "MONO%", "EO%", "BASO%"];
const CHEMISTRY: &[&str] = &["CREA", "ALT", "AST"];

/// The messages of `openelis-global-2` are synthetic, in the style of analyzers that write otherwise: their codes stand
/// in OBX-3.4, where no manual of those models puts them. They show the generic profile, not those models'.
const EXPECTED_HL7: [Hl7Row; 14] = [
    ("medplum", "roche-cobas-pro_OUL", "roche-cobas-pro", &[], 1, 0, &[]),
    ("medplum", "roche-cobas-pro_QBP", "roche-cobas-pro", &[], 0, 1, &[]),
    ("openelis-global-2", "bs200-chemistry", "generic-hl7", CHEMISTRY, 3, 0, &[]),
    ("openelis-global-2", "bs300-chemistry", "generic-hl7", CHEMISTRY, 3, 0, &[]),
    ("openelis-global-2", "bs360e-chemistry", "generic-hl7", CHEMISTRY, 3, 0, &[]),
    ("openelis-global-2", "bc5380-cbc", "generic-hl7", CBC, 4, 0, &[]),
    ("openelis-global-2", "bc2000-cbc", "generic-hl7", CBC, 5, 0, &[]),
    ("openelis-global-2", "mindray-cbc", "generic-hl7", CBC, 4, 0, &[]),
    ("openelis-global-2", "sysmex-xn-result", "generic-hl7", CBC, 13, 0, &[]),
    ("openelis-global-2", "sysmex-result", "generic-hl7", CBC, 3, 0, &[]),
    // One of its results has its status one field too early.
    (
        "openelis-global-2",
        "stago-start4",
        "generic-hl7",
        &["PT", "INR", "APTT", "FIB", "TT"],
        5,
        0,
        &["unknown-status"],
    ),
    // Words and coded values wait for a person: the generic profile knows none.
    ("openelis-global-2", "genexpert", "generic-hl7", &["94500-6", "94745-7"], 2, 0, &["odd-value"]),
    ("openelis-global-2", "architect", "generic-hl7", &["HIV", "HBSAG"], 2, 0, &["odd-value", "odd-value"]),
    // What a host sent to an analyzer, which holds no result.
    ("openelis-global-2", "expected-order", "generic-hl7", &[], 0, 0, &["refused-message"]),
];

/// The message itself: some files begin with remarks.
fn from_header(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.windows(4).position(|window| window == b"MSH|").unwrap_or_default();
    bytes.iter().skip(start).copied().collect()
}

#[test]
fn every_hl7_capture_of_a_known_model_gives_its_results() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/hl7");
    if !root.exists() {
        println!("no captures at {}: nothing to read", root.display());
        return;
    }
    let profiles = crate::profiles();
    let context = Context { received_at: crate::received_at() };
    let mut results = 0;
    for (folder, part, profile, codes, observations, queries, problems) in EXPECTED_HL7 {
        let mut paths = std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let path = paths.find(|path| path.to_string_lossy().contains(part));
        let path = path.unwrap_or_else(|| panic!("no capture {part} in {folder}"));
        let codes = codes.iter().map(|code| ((*code).to_owned(), CodeMapping::default()));
        let reading = Reading { codes: Arc::new(codes.collect()), ..crate::reading(&profiles[profile]) };
        let outcome = process(&from_header(&std::fs::read(&path).unwrap()), &reading, &context);
        let kinds: Vec<_> = outcome.problems.iter().map(|problem| problem.kind.name()).collect();
        assert_eq!(kinds, *problems, "{part}: {:?}", outcome.problems.first().map(|it| it.text.reveal()));
        assert_eq!((outcome.observations.len(), outcome.queries.len()), (observations, queries), "{part}");
        assert!(outcome.observations.iter().all(|it| !it.specimen.is_blank()), "{part}");
        results += outcome.observations.len();
    }
    println!("read {} captures, {results} results", EXPECTED_HL7.len());
    assert!(results > 0, "the folder of captures exists but nothing was read");
}
