//! The queries of public captures are answered as their hosts answered them, where those are known. Passes, and says so,
//! where the captures are absent.

use std::path::Path;

use labwire::domain::{Patient, Priority, Private, SpecimenId};
use labwire::pipeline::{Found, Wants, Work, answer, questions};
use labwire_astm::record::{Kind, Message, Record};

/// Folder, profile, the query's file and the reply's, with `#` for a number up to the last; what stands before and
/// behind a code.
type Pairs = (&'static str, &'static str, &'static str, &'static str, usize, (&'static str, &'static str));

const PAIRS: [Pairs; 4] = [
    ("beckman_unicel_dxh", "beckman-dxh", "requests_#.txt", "orders_#.txt", 15, ("!!!", "")),
    ("siemens_advia_centaur_xp", "siemens-centaur-xp", "requests_#.txt", "orders_#.txt", 15, ("^^^", "")),
    (
        "ortho_vitros_3600",
        "ortho-vitros-3600",
        "2020-11-21-11-10-01-620611.astm",
        "2020-11-21-11-10-02-134929.astm",
        1,
        ("^^^1.0000+", "+1.0"),
    ),
    (
        "ortho_vitros_3600",
        "ortho-vitros-3600",
        "out_2020-11-21-13-10-55-150376.astm",
        "out_2020-11-21-13-10-56-028439.astm",
        1,
        ("^^^1.0000+", "+1.0"),
    ),
];

/// The records without frames; a reply that was logged without them has its first frame's number and what follows it.
fn records(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&bytes).replace(['\n', '\u{2}', '\u{4}', '\u{5}'], "\r");
    let known = |line: &&str| {
        let line = line.trim_start_matches(|c: char| c.is_ascii_digit());
        line.get(1..2).is_some_and(|field| field == "|") && line.starts_with(['H', 'P', 'O', 'Q', 'L'])
    };
    let lines: Vec<&str> = text
        .split('\r')
        .filter(known)
        .map(|line| line.trim_start_matches(|c: char| c.is_ascii_digit()).split('\u{3}').next().unwrap())
        .collect();
    lines.iter().map(|line| format!("{line}\r")).collect::<String>().into_bytes()
}

fn field(record: Option<Record<'_>>, number: usize) -> String {
    record.map(|it| String::from_utf8_lossy(it.field(number).raw()).into_owned()).unwrap_or_default()
}

/// What the host's reply says is to be done.
fn work(reply: &[u8], specimen: &SpecimenId, (before, after): (&str, &str)) -> Work {
    let message = Message::parse(reply);
    let of = |kind| message.records().find(|record| record.kind() == kind);
    let (patient, order) = (of(Kind::Patient), of(Kind::Order));
    let code = |text: &str| text.strip_prefix(before).unwrap().strip_suffix(after).unwrap().to_owned();
    let either = |numbers: [usize; 2]| {
        numbers.map(|number| field(patient, number)).into_iter().find(|id| !id.is_empty()).unwrap_or_default()
    };
    let repeats = order.unwrap().field(5).repeats();
    Work {
        specimen: specimen.clone(),
        tests: repeats.map(|test| code(&String::from_utf8_lossy(test.raw()))).collect(),
        priority: Priority::read(&field(order, 6)),
        patient: Private::new(Patient {
            id: either([3, 4]),
            name: field(patient, 6).trim_end_matches('^').to_owned(),
            birth_date: field(patient, 8),
            sex: field(patient, 9),
            location: String::new(),
        }),
        specimen_kind: field(order, 16),
        collected: field(order, 8),
        numbers: Vec::new(),
        withdrawn: Vec::new(),
        is_known: false,
    }
}

/// Each record's fields by number, without those that the host made up itself: times and the patient's age.
fn shown(message: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(message).into_owned();
    let record = |line: &str| {
        let mut fields: Vec<&str> = line.split('|').collect();
        if line.starts_with("H|") {
            fields.truncate(13);
        }
        if let (true, Some(born)) = (line.starts_with("P|"), fields.get_mut(7)) {
            *born = born.split(['!', '^']).next().unwrap();
        }
        let fields: Vec<&str> = fields.iter().map(|field| field.trim_end_matches('^')).collect();
        fields.join("|").trim_end_matches('|').to_owned()
    };
    text.split('\r').filter(|line| !line.is_empty()).map(record).collect()
}

#[test]
fn captured_queries_are_answered_as_their_hosts_did() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/astm");
    if !root.exists() {
        println!("no captures at {}: nothing to read", root.display());
        return;
    }
    let profiles = crate::profiles();
    let mut answered = 0;
    for (folder, profile, query, reply, last, around) in PAIRS {
        let reading = crate::reading(&profiles[profile]);
        for number in 1..=last {
            let file = |name: &str| root.join(folder).join(name.replace('#', &number.to_string()));
            let (query, reply) = (records(&file(query)), records(&file(reply)));
            let asked = questions(&query, &reading);
            // One analyzer withdrew a query; nobody answered that.
            if asked.is_empty() && String::from_utf8_lossy(&query).contains("||||||||A\r") {
                continue;
            }
            assert_eq!(asked.len(), 1, "{folder} {number}: {}", String::from_utf8_lossy(&query));
            let Wants::Tubes(tubes) = &asked[0].wants else { panic!("{folder} {number}: {asked:?}") };
            let works = tubes.iter().map(|tube| Some(work(&reply, tube, around))).collect();
            let found = Found::from([(asked[0].record, works)]);
            let ours = answer(&query, &reading, &found, crate::received_at()).unwrap();
            if String::from_utf8_lossy(&reply).contains(tubes[0].reveal()) {
                assert_eq!(shown(&ours), shown(&reply), "{folder} {number}");
                answered += 1;
            }
        }
    }
    println!("answered {answered} captured queries");
    assert!(answered > 0, "the folder of captures exists but no query was answered");
}
