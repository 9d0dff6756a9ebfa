//! Files with invented results as analyzers drop them, and what is asked about them afterwards. It starts no server.

#![allow(dead_code, reason = "every test program uses its own part of this")]

use std::fs;
use std::path::PathBuf;

use labsim::lims::Lims;

use crate::support::{Lab, lims, until};

/// A laboratory whose one instrument, a cobas pro, drops HL7 files.
pub(crate) struct Desk {
    pub(crate) lims: Lims,
    pub(crate) lab: Lab,
    /// Where the analyzer writes.
    pub(crate) out: PathBuf,
}

impl Desk {
    /// It drops them in a folder, which is looked at each second.
    pub(crate) async fn folder(keys: &str) -> Desk {
        let desk = Desk::empty().await;
        desk.fetches(&format!("[folder]\nfolder = \"out\"\n{keys}"));
        desk
    }

    /// It isn't said yet where they are fetched.
    pub(crate) async fn empty() -> Desk {
        let lims = lims().await;
        let lab = Lab::new(&lims, "");
        let out = lab.path("out");
        fs::create_dir(&out).unwrap();
        Desk { lims, lab, out }
    }

    /// Says where they are fetched.
    pub(crate) fn fetches(&self, table: &str) {
        self.lab.instrument(
            "cobas",
            "roche-cobas-pro",
            "",
            &format!("{table}\npoll_secs = 1\njitter_secs = 0\n"),
        );
    }

    /// A file at once and whole, under its name.
    pub(crate) fn drop(&self, name: &str, content: &str) {
        self.drop_bytes(name, content.as_bytes());
    }

    pub(crate) fn drop_bytes(&self, name: &str, content: &[u8]) {
        fs::write(self.out.join("draft.tmp"), content).unwrap();
        fs::rename(self.out.join("draft.tmp"), self.out.join(name)).unwrap();
    }

    /// The files that lie there.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.out).unwrap().map(Result::unwrap);
        let files = entries.filter(|entry| entry.metadata().is_ok_and(|it| it.is_file()));
        let mut names: Vec<String> = files.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Waits until so many results are in the LIMS; no more may be.
    pub(crate) async fn accepted(&self, count: i64) {
        until("the LIMS has it", || self.lab.count("accepted") >= count).await;
        assert_eq!(self.lab.count("accepted"), count);
    }

    pub(crate) async fn gone(&self, name: &str) {
        until("the file is removed", || !self.out.join(name).exists()).await;
    }

    /// Waits until `labwire status` says so.
    pub(crate) async fn says(&self, words: &str) {
        until(words, || self.lab.text(&["status"]).contains(words)).await;
    }

    /// Waits until the gateway has looked at the place twice more.
    pub(crate) async fn two_looks(&self) {
        for _ in 0..2 {
            let before = self.looked_at();
            until("it is looked at", || self.looked_at() != before).await;
        }
    }

    fn looked_at(&self) -> String {
        let status = self.lab.text(&["status"]);
        let line = status.lines().find(|line| line.trim_start().starts_with("looked at"));
        line.unwrap_or_default().to_owned()
    }

    /// How many messages the journal holds.
    pub(crate) fn received(&self) -> i64 {
        self.lab.reader().sums().unwrap().intake.received
    }
}

/// One result of a specimen as one message; its lines end as HL7's do.
pub(crate) fn message(specimen: &str, value: &str) -> String {
    format!(
        "MSH|^~\\&|cobas pro||Host||20260501120000||OUL^R22^OUL_R22|{specimen}|P|2.5.1|||NE|AL||UNICODE UTF-8\r\
         SPM|1|{specimen}&BARCODE||SERPLAS|||||||P\r\
         OBR|1|\"\"||10020\r\
         OBX|1|NM|10020|1|{value}|ng/dL|||||F|||||||e801~77|20260501115500\r"
    )
}

/// A day's file: so many specimens with this prefix, a message each.
pub(crate) fn day(prefix: &str, specimens: usize) -> String {
    (0..specimens).map(|number| message(&format!("{prefix}{number}"), "1.40")).collect()
}
