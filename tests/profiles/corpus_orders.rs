//! The queries of public captures are answered as their hosts answered them, where those are known. Passes, and says so,
//! where the captures are absent.

use labwire::domain::{Patient, Priority, Private, SpecimenId};
use labwire::pipeline::{Found, Wants, Work, answer, questions};

use crate::captures::{corpus, ordered, records, shown};

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

/// What the host's reply says is to be done.
fn work(reply: &[u8], specimen: &SpecimenId, around: (&str, &str)) -> Work {
    let told = ordered(reply, around);
    Work {
        specimen: specimen.clone(),
        tests: told.tests,
        priority: Priority::read(&told.priority),
        patient: Private::new(Patient {
            id: told.patient_id,
            authority: String::new(),
            name: told.name,
            birth_date: told.birth_date,
            sex: told.sex,
            location: String::new(),
        }),
        specimen_kind: told.specimen_kind,
        collected: told.collected,
        numbers: Vec::new(),
        withdrawn: Vec::new(),
        is_known: false,
    }
}

#[test]
fn captured_queries_are_answered_as_their_hosts_did() {
    let root = match corpus("astm") {
        Ok(root) => root,
        Err(why) => return println!("{why}"),
    };
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
