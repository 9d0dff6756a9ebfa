//! Every public capture of the six models gives the results that stand in it. Passes, and says so, where the captures
//! are absent.

use std::path::Path;

use labwire::pipeline::{Context, process};

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
