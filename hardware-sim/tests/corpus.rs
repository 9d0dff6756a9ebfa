//! Every capture can be played against a host that acknowledges everything, and arrives as it was recorded.

#![expect(clippy::unwrap_used, reason = "a test that can't go on must fail")]
#![expect(clippy::print_stderr, reason = "a skipped corpus must say so")]

mod host;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use host::{Honesty, Store};
use labsim::analyzer::{Analyzer, Options};
use labsim::capture;
use labsim::frame::{Framing, STX};
use labsim::generate::{Generator, Style};

/// Beside the checkout, or beside the folder that holds it.
fn corpus() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found =
        here.ancestors().map(|folder| folder.join("shared/corpus/astm")).find(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("no corpus here: nothing was checked");
    }
    found
}

fn captures(corpus: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let folders = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path());
    let files = folders.filter(|path| path.is_dir()).flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus is there and holds no file");
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[tokio::test(start_paused = true)]
async fn every_capture_is_played_and_arrives_as_recorded() {
    let Some(corpus) = corpus() else { return };
    let (mut framed, mut plain) = (0, 0);
    for (path, bytes) in captures(&corpus) {
        let transfers = capture::read(&bytes, Framing::default());
        assert!(!transfers.is_empty(), "{}: nothing to play", path.display());
        let (near, far) = tokio::io::duplex(65_536);
        let store = Store::default();
        tokio::spawn(host::serve(far, store.clone(), Honesty::Honest));
        let mut analyzer = Analyzer::new(near, Options::default());
        for transfer in &transfers {
            let report = analyzer.transfer_parts(&transfer.messages).await;
            assert!(report.is_complete(), "{}: {report:?}", path.display());
            for parts in &transfer.messages {
                let text: Vec<u8> = parts.iter().flat_map(|part| part.text.clone()).collect();
                let ends = labsim::frame::ends_message(&text);
                assert!(!ends || store.lock().unwrap().contains_key(&text), "{}", path.display());
            }
        }
        *(if bytes.contains(&STX) { &mut framed } else { &mut plain }) += 1;
    }
    assert!(framed > 30 && plain > 50, "{framed} framed and {plain} plain captures");
}

/// The codes that result records carry, as each model writes them.
fn codes(style: Style, text: &str) -> BTreeSet<String> {
    let component = if style == Style::UnicelDxh { '!' } else { '^' };
    let fields =
        text.split('\r').filter(|record| record.starts_with("R|")).filter_map(|r| r.split('|').nth(2));
    let code = |field: &str| {
        let code = field.split(component).nth(3).unwrap_or_default();
        let vitros = code.split('+').nth(1).filter(|_| style == Style::Vitros3600);
        vitros.unwrap_or(code).to_owned()
    };
    fields.map(code).collect()
}

#[test]
fn every_generated_code_occurs_in_a_capture_of_its_model() {
    let Some(corpus) = corpus() else { return };
    let folders = [
        (Style::Vitros3600, "ortho_vitros_3600"),
        (Style::YumizenH500, "horiba_yumizen_h500"),
        (Style::ErbaXl, "erba_xl_series"),
        (Style::UnicelDxh, "beckman_unicel_dxh"),
        (Style::CentaurXp, "siemens_advia_centaur_xp"),
        (Style::Architect, "abbott_architect"),
    ];
    let captures = captures(&corpus);
    for (style, folder) in folders {
        let of_model = captures.iter().filter(|(path, _)| path.parent().unwrap().ends_with(folder));
        let transfers = of_model.flat_map(|(_, bytes)| capture::read(bytes, Framing::default()));
        let parts = transfers.flat_map(|transfer| transfer.messages).flatten().map(|part| part.text);
        let captured = codes(style, &String::from_utf8_lossy(&parts.collect::<Vec<_>>().concat()));
        let mut generator = Generator::new(style, 3);
        let generated: Vec<u8> = (0..300).flat_map(|_| generator.message().records).collect();
        let generated = codes(style, &String::from_utf8(generated).unwrap());
        assert!(generated.is_subset(&captured), "{style}: {:?}", generated.difference(&captured));
    }
}
