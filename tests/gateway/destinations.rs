//! A LIMS of each kind for one gateway, all of which fail now and then, and what the oracle says of each.

use std::fs::{self, File};
use std::io::Write;
use std::time::Duration;

use labsim::generate::ExpectedResult;
use labsim::lims::mllp::{self, MllpLims};
use labsim::lims::{Collector, Lims, Mode};
use tokio::time::{sleep, timeout};

use super::fhir_by_hand::FhirByHand;
use super::fhir_held::FhirHeld;
use super::oracle;
use super::support::*;

/// The share of deliveries that meet a failure, and of looks at which a file is left for later.
const FAILURES: f64 = 0.1;

/// Who gets every result: by HTTP, by HL7 over MLLP, as files, and by FHIR.
pub(crate) struct Destinations {
    http: Lims,
    mllp: MllpLims,
    files: Collector,
    fhir: FhirByHand,
}

impl Destinations {
    /// A laboratory whose gateway delivers to them. The folder for the files isn't there yet.
    pub(crate) async fn failing(seed: u64) -> (Lab, Destinations) {
        let http = failing_lims(FAILURES, seed).await;
        let lab = Lab::new(&http, "");
        let mode = mllp::Mode::Mix(FAILURES);
        let mllp = MllpLims::start(mllp::Setup { mode, seed, ..mllp::Setup::default() }).await.unwrap();
        let fhir = FhirByHand::start().await;
        fhir.fail(FAILURES, seed);
        let patience = "backoff_first_secs = 1\nbackoff_longest_secs = 1\nbreaker_failures = 50\nbreaker_rest_secs = 1\n";
        let mut site = File::options().append(true).open(lab.path("labwire.toml")).unwrap();
        write!(
            site,
            "[destination.lis-hl7]\nkind = \"mllp\"\nconnect = \"{}\"\nparallel = 4\ntimeout_secs = 1\n{patience}\
             [destination.lis-files]\nkind = \"file\"\nfolder = \"out\"\n{patience}\
             [destination.lis-fhir]\nkind = \"fhir\"\nurl = \"http://{}/fhir\"\nsystem = \"https://lab.example/labwire\"\n\
             timeout_secs = 1\n{patience}",
            mllp.address(),
            fhir.address(),
        )
        .unwrap();
        let files = Collector::start(lab.path("out"), FAILURES, seed);
        (lab, Destinations { http, mllp, files, fhir })
    }

    /// How many messages, files and requests came so far, taken or not.
    fn came(&self) -> usize {
        let files = self.files.with_ledger(|ledger| ledger.attempts().len());
        self.mllp.with_ledger(|ledger| ledger.attempts().len()) + files + self.fhir.count()
    }

    /// Returns at the instant when a message or a file comes, before it is answered or soon after; or after a while.
    pub(crate) async fn next(&self) {
        let before = self.came();
        let more = async {
            while self.came() == before {
                sleep(Duration::from_millis(1)).await;
            }
        };
        // None coming is an instant like any other.
        let _ = timeout(Duration::from_secs(2), more).await;
    }

    /// From now on nothing fails.
    pub(crate) fn mend(&self) {
        self.http.set_mode(Mode::Accept);
        self.mllp.set_mode(mllp::Mode::Accept);
        self.fhir.mend();
    }

    /// Whether every file was fetched. What is hidden was never complete.
    pub(crate) fn have_fetched(lab: &Lab) -> bool {
        let names = fs::read_dir(lab.path("out")).unwrap().map(|entry| entry.unwrap().file_name());
        names.into_iter().all(|name| name.to_string_lossy().starts_with('.'))
    }

    /// Everything that is wrong at any of them once all is delivered and fetched.
    pub(crate) fn faults(&self, lab: &Lab, acknowledged: &[ExpectedResult]) -> Vec<String> {
        let (http, mllp, files) = (self.http.ledger(), self.mllp.ledger(), self.files.ledger());
        let fhir = FhirHeld { observations: self.fhir.observations() };
        let mut faults = Vec::new();
        for (name, found) in [
            ("HTTP", oracle::faults(acknowledged, &http)),
            ("MLLP", oracle::faults(acknowledged, &mllp)),
            ("files", oracle::faults(acknowledged, &files)),
            ("FHIR", oracle::faults(acknowledged, &fhir)),
        ] {
            faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
        }
        // Nobody saw these acknowledged, and still none may be settled by an answer to another.
        let sums = lab.reader().sums().unwrap().destinations;
        for (name, held) in [
            ("lims", http.held().len()),
            ("lis-hl7", mllp.taken().len()),
            ("lis-files", files.taken().len()),
            ("lis-fhir", fhir.observations.len()),
        ] {
            let accepted = sums.get(name).map(|sums| sums.of("accepted")).unwrap_or_default();
            if usize::try_from(accepted) != Ok(held) {
                faults.push(format!("{name}: {accepted} count as accepted and {held} are held"));
            }
        }
        faults
    }

    /// What was met, for whoever reads the test's output.
    pub(crate) fn told(&self) -> String {
        let mllp = self.mllp.ledger();
        let failed = mllp.attempts().iter().filter(|attempt| attempt.mode != "accept").count();
        let again = self.files.ledger();
        format!(
            "{} messages over MLLP, {failed} of them met with a failure; {} files, {} of them again; {} Bundles",
            mllp.attempts().len(),
            again.attempts().len(),
            again.attempts().iter().filter(|came| came.outcome == labsim::lims::Outcome::Replayed).count(),
            self.fhir.bundles().len(),
        )
    }

    /// Mounts the share.
    pub(crate) fn make_folder(lab: &Lab) {
        fs::create_dir_all(lab.path("out")).unwrap();
    }
}
