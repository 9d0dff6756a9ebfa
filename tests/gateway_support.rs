//! A support bundle names no patient, no doctor and no secret, wherever they stood, and is read and played as what it was
//! made from.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "gateway/support.rs"]
mod support;

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use flate2::read::GzDecoder;
use labsim::net::Place;
use labsim::replay::{Manner, Recording, play};
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What must not be found, in any case of its letters. Each is sent, or stands in the configuration or the log.
const PLANTED: [&str; 20] = [
    "plantedname",
    "plantedgiven",
    "plantedmother",
    "PAT770011",
    "PAT770012",
    "PAT770013",
    "SPC550011",
    "SPC550012",
    "SPC550013",
    "18991231",
    "18981130",
    "plantedcomment",
    "planteddoctor",
    "plantedoperator",
    "plantedstreet",
    "plantedvalue",
    "plantedsecret",
    "plantedsigner",
    "plantedremark",
    "plantedward",
];
const TIME: &str = "20260102030405";

fn astm() -> String {
    let patient = "P|1|PAT770011|PAT770011||PlantedName^PlantedGiven^X|PlantedMother|18991231|F||PlantedStreet 7||5550123|PlantedDoctor^A||||||||||||PlantedWard\r";
    format!(
        "H|`^&||PlantedSecret|ERBA|PlantedStreet||||PlantedRemark||P|E 1394-97|{TIME}\r{patient}C|1|I|PlantedComment on PlantedName profile mode destination timeout secs|G\r\
         O|1|SPC550011^PlantedName||^^^GLCC|||SPC550011^PlantedName|PAT770011|||||PlantedRemark||SERUM|PlantedDoctor\r\
         R|1|^^^GLCC|5.40|mg/dl|3.9 to 5.5|N||F||PlantedOperator|{TIME}|{TIME}\r\
         R|2|^^^GLCC|PlantedValue of PAT770011|mg/dl||N||F||||{TIME}\rC|1|I|SPC550011 was PlantedName's|G\r\
         R|3|^^^GLCC|5|PlantedName was here|PlantedName|PlantedName||PlantedName||PlantedOperator|PlantedName|PlantedName\r\
         M|1|PlantedName|SPC550011\rX|PlantedName\rPlantedName without a record\rL|1|N\r"
    )
}

fn hl7() -> String {
    "MSH|^~\\&|analyzer|PlantedStreet|||20260501120000||ORU^R01^ORU_R01|SPC550012|P|2.5.1\r\
     PID|1|PAT770012|PAT770012^^^PlantedWard||PlantedName^PlantedGiven||18981130|M|||PlantedStreet^^Town\r\
     PV1|1|I|PlantedWard^7^2||||4711^PlantedDoctor^B\rNTE|1|L|PlantedComment\r\
     ORC|RE|SPC550012|PAT770012\rOBR|1||SPC550012|GLU^Glucose|||20260501115000|||PlantedOperator||||||PlantedDoctor\r\
     OBX|1|NM|GLU||5.2|mmol/L|3.9-5.5|N|||F|||20260501115500||PlantedOperator\r\
     OBX|2|ST|NOTE||PlantedValue of PlantedName|||N|||F|||20260501115500\rOBX|3|NM|GLU||5.3|PlantedName\\T\\PlantedWard|||||F|||20260501115500\r\
     ZZZ|PlantedName|SPC550012\r"
        .to_owned()
}

const CSV: &str = "Patient ID,Sample ID,Rack,Verify,Test Name,Interpretation,Result,Units,Comp. Time,Flags,LIS,Instrument,RLU,Pipettor,Sample Type,Sample Priority,Test ID,Reagent Pack Lot #,Reagent Pack Serial #,Dilution,Calibrator level,Comments,Load Date/Time\n\
    PAT770013,SPC550013,400,Not Verified,HAV-IgM,Non-React.,0.22,S/CO,14/01/2026 11:55:43,,PlantedRemark,500042,31309,PlantedOperator,Serum,patient,141,490001,1781,1, ,\"PlantedComment, PlantedName\",14/01/2026 11:12:50\n";

/// Which of what was planted is in there.
fn found(text: &str) -> Vec<&'static str> {
    let text = text.to_lowercase();
    PLANTED.into_iter().filter(|it| text.contains(&it.to_lowercase())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_holds_nothing_that_was_planted_and_plays_to_the_same_results() {
    let lims = lims().await;
    let lab = Lab::new(&lims, "");
    let (astm_at, hl7_at) = (free_port(), free_port());
    lab.instrument("erba", "erba-xl", "# call PlantedDoctor", &listener(astm_at));
    let codes = "[codes.GLU]\nlims_code = \"GLU\"\n";
    let description =
        "description = \"PlantedDoctor's; a message from it was a problem of this kind since 2026\"";
    lab.instrument("generic", "generic-hl7", description, &(listener(hl7_at) + codes));
    fs::create_dir(lab.path("out")).unwrap();
    lab.instrument(
        "access",
        "beckman-access-2",
        "",
        "[folder]\nfolder = \"out\"\nafter = \"delete\"\npoll_secs = 1\njitter_secs = 0\n",
    );
    let site = fs::read_to_string(lab.path("labwire.toml")).unwrap();
    let site = site.replace("Example laboratory", "PlantedWard");
    let more = "# PlantedSecret\n[rules]\nsigners = [\"plantedsigner\"]\n[destination.other]\nkind = \"file\"\nfolder = \"plantedsecret\"\nformat = \"csv\"\n\
                mode = \"test\"\n";
    fs::create_dir(lab.path("plantedsecret")).unwrap();
    fs::write(lab.path("labwire.toml"), format!("{site}{more}")).unwrap();
    let checked = lab.run(&["check"]);
    let _gateway = lab.start().await;
    let report = analyzer(astm_at).await.transfer(&[astm()]).await;
    assert!(report.is_complete(), "{report:?} {checked:?}");
    let mut line = connect(hl7_at).await;
    line.write_all(format!("\u{b}{}\u{1c}\r", hl7()).as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x1c\r") {
        answer.push(line.read_u8().await.unwrap());
    }
    fs::write(lab.path("out/draft.tmp"), CSV).unwrap();
    fs::rename(lab.path("out/draft.tmp"), lab.path("out/day.csv")).unwrap();
    until("all were read", || {
        lab.reader().waiting().unwrap().unread == 0 && lab.reader().sums().unwrap().intake.received >= 5
    })
    .await;
    until("the file was read", || {
        !lab.reader().last_messages(&labwire::domain::InstrumentId::new("access"), 1).unwrap().is_empty()
    })
    .await;

    let log = lab.path("labwire.log");
    let trace = lab.text(&["trace", "SPC550011"]);
    let token = trace.lines().next().unwrap().rsplit(' ').next().unwrap();
    let said = "2026-11-22T07:00:00Z  INFO labwire::host: signed rules actor=\"plantedsigner\" by=\"Dr. PlantedDoctor\" sha256=ab\n\
                2026-11-22T07:00:01Z  WARN labwire::x: odd source=\"serial /dev/ttyS0\" note=\"seen SPC550011\"\n";
    fs::write(
        &log,
        format!("{said}2026-11-22T07:00:02Z  INFO labwire::x: sent specimen_token={token} key=ab\n"),
    )
    .unwrap();
    let file = lab.path("bundle.tar.gz");
    let made = lab.run(&["support-bundle", file.to_str().unwrap(), "--log", log.to_str().unwrap()]);
    assert!(made.status.success(), "{made:?}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let mut bytes = Vec::new();
    GzDecoder::new(fs::File::open(&file).unwrap()).read_to_end(&mut bytes).unwrap();
    let bundle = String::from_utf8_lossy(&bytes).into_owned();
    assert_eq!(found(&bundle), Vec::<&str>::new(), "{bundle}");
    assert_eq!(found(&String::from_utf8_lossy(&made.stdout)), Vec::<&str>::new());
    for kept in [
        "profile = \"erba-xl\"",
        "mode = \"test\"",
        "[destination.other]",
        "timeout_secs = 1",
        "answers to host queries, and what instruments were told",
        "signed rules",
        // What the configuration says freely takes no words from labwire's own texts.
        "problem,message,from,kind,since",
        "nobody connected (since 20",
        "^^^GLCC|5.40|mg/dl|3.9 to 5.5|N||F",
        "HAV-IgM,Non-React.,0.22,S/CO",
        "|NM|GLU||5.2|mmol/L|3.9-5.5|N|||F|",
    ] {
        assert!(bundle.contains(kept), "{kept}: {bundle}");
    }

    // The token by which the log follows a specimen may leave, and never the key that it was made by.
    assert!(bundle.contains(&format!("specimen_token={token}")), "{bundle}");
    let journal = rusqlite::Connection::open(lab.path("labwire.db")).unwrap();
    let key: Vec<u8> = journal.query_row("SELECT key FROM token_key", [], |row| row.get(0)).unwrap();
    let hex: String = key.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let holds_the_key = |bytes: &[u8]| {
        bytes.windows(8).any(|it| key.windows(8).any(|part| part == it))
            || String::from_utf8_lossy(bytes).to_lowercase().contains(&hex)
    };
    assert!(!holds_the_key(&bytes));
    assert!(holds_the_key(&[b"x".as_slice(), &key, b"x"].concat()) && holds_the_key(hex.as_bytes()));

    // Whatever looks for what was planted finds all of it where nothing was replaced.
    let raw = [
        astm(),
        hl7(),
        CSV.to_owned(),
        fs::read_to_string(lab.path("labwire.toml")).unwrap(),
        said.to_owned(),
    ]
    .concat();
    assert_eq!(found(&raw), PLANTED);

    // It can be unpacked by anybody's tar, and its captures play at another gateway.
    let unpacked =
        std::process::Command::new("tar").arg("-xzf").arg(&file).arg("-C").arg(lab.folder.path()).status();
    assert!(unpacked.unwrap().success());
    let there = Lab::new(&lims, "");
    let (astm_there, hl7_there) = (free_port(), free_port());
    there.instrument("erba", "erba-xl", "", &listener(astm_there));
    there.instrument("generic", "generic-hl7", "", &(listener(hl7_there) + codes));
    let _other = there.start().await;
    for (name, address) in [("erba", astm_there), ("generic", hl7_there)] {
        let text = fs::read_to_string(lab.path(&format!("labwire-support/messages/{name}.capture"))).unwrap();
        let manner = Manner { speed: None, patience: Duration::from_secs(20) };
        let place = Place::connect(address.to_string());
        for it in play(&Recording::read(&text).unwrap(), &place, manner).await.unwrap() {
            assert!(it.is_whole && it.differences.is_empty() && it.alike > 0, "{it:?}");
        }
    }
    let of = |lab: &Lab, instrument: &str| {
        let journal = rusqlite::Connection::open(lab.path("labwire.db")).unwrap();
        let count = |what: &str| -> i64 {
            journal
                .query_row(
                    &format!("SELECT count(*) FROM {what} WHERE instrument = ?"),
                    [instrument],
                    |row| row.get(0),
                )
                .unwrap()
        };
        let codes: String = journal
            .query_row(
                "SELECT coalesce(group_concat(code), '') FROM observation WHERE instrument = ?",
                [instrument],
                |row| row.get(0),
            )
            .unwrap();
        (count("observation"), count("problem"), codes)
    };
    until("it was read there", || {
        of(&there, "erba").0 == of(&lab, "erba").0 && of(&there, "generic").0 == of(&lab, "generic").0
    })
    .await;
    for instrument in ["erba", "generic"] {
        assert!(of(&lab, instrument).0 > 0, "{instrument}");
        assert_eq!(of(&there, instrument), of(&lab, instrument), "{instrument}");
    }
}
