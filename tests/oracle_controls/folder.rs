//! Deliveries into a folder from which a collector takes whatever has a visible name.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use labsim::generate::{ExpectedResult, Generator, Style};
use labsim::lims::Collector;

use crate::oracle;
use crate::support::until;

/// How a file gets into the folder.
#[derive(Debug, Clone, Copy)]
enum Depositing {
    /// Under a hidden name first, and then under its own, which is the same for every attempt.
    Rightly,
    /// Under its own name from the first byte on.
    InPlace,
    /// As is right, but under another name for every attempt.
    FreshNames,
}

/// A message in the shape in which a folder gets it.
fn rendered(number: usize, result: &ExpectedResult) -> String {
    let ExpectedResult { specimen, code, aspect, replicate, value, unit, .. } = result;
    format!(
        "MSH|^~\\&|||||||ORU^R01|{number}|P|2.5.1\rSPM|1|{specimen}\r\
         OBX|1|NM|{code}|{replicate}/{aspect}|{value}|{unit}|||||F\r"
    )
}

async fn deposit(folder: &Path, number: usize, attempt: u32, content: &str, depositing: Depositing) {
    let name = match depositing {
        Depositing::Rightly | Depositing::InPlace => format!("{number}.hl7"),
        Depositing::FreshNames => format!("{number}-{attempt}.hl7"),
    };
    let place = folder.join(&name);
    if matches!(depositing, Depositing::InPlace) {
        let (first, rest) = content.split_at(content.len() / 2);
        let mut file = File::create(&place).unwrap();
        file.write_all(first.as_bytes()).unwrap();
        until("somebody looks at the folder", || !place.exists()).await;
        return file.write_all(rest.as_bytes()).unwrap();
    }
    let draft = folder.join(format!(".{name}.tmp"));
    fs::write(&draft, content).unwrap();
    fs::rename(draft, place).unwrap();
}

/// What the oracle says of some results, each of which is delivered twice, as after a crash that lost the first outcome.
async fn judged(depositing: Depositing) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(folder.path().to_owned(), 0.3, 11);
    let mut generator = Generator::new(Style::CobasPro, 11).with_odd(0.0);
    let acknowledged: Vec<ExpectedResult> = (0..5).flat_map(|_| generator.message().results).collect();
    for (number, result) in acknowledged.iter().enumerate() {
        for attempt in 1..=2 {
            deposit(folder.path(), number, attempt, &rendered(number, result), depositing).await;
        }
    }
    until("the folder is empty", || fs::read_dir(folder.path()).unwrap().next().is_none()).await;
    oracle::faults(&acknowledged, &collector.ledger())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_can_be_seen_half_written_is_found_out_and_a_renamed_one_is_not() {
    assert_eq!(judged(Depositing::Rightly).await, Vec::<String>::new());
    let faults = judged(Depositing::InPlace).await;
    assert!(!faults.is_empty() && faults.iter().all(|fault| fault.contains("0 times")), "{faults:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_file_name_for_every_attempt_is_found_out() {
    let faults = judged(Depositing::FreshNames).await;
    assert!(faults.iter().any(|fault| fault.contains("taken twice")), "{faults:?}");
}
