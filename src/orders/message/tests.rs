//! What is read of a LIMS's messages. Patients are invented.

use super::*;

fn places(paths: &[&str]) -> OrderPlaces {
    OrderPlaces { specimen: paths.iter().filter_map(|path| Path::parse(path)).collect() }
}

fn read_with(kind: &str, segments: &str, paths: &[&str]) -> Read {
    let text =
        format!("MSH|^~\\&|LIMS|HOSP|labwire||20260501||{kind}|7|P|2.5.1/{segments}").replace('/', "\r");
    let message = Message::parse(text.as_bytes()).unwrap();
    read(&message, &message.header().unwrap(), &places(paths))
}

fn read_of(kind: &str, segments: &str) -> Read {
    read_with(kind, segments, &["SPM-2", "SAC-3"])
}

/// Each order in short: what is asked, number, specimen, test, priority; or why it can't be read.
fn shown(read: Read) -> Vec<String> {
    let Read::Orders(items) = read else { return vec![format!("{read:?}")] };
    let one = |item: Item| match item.request {
        Err(why) => why,
        Ok(OrderRequest { asks, order }) => {
            let labels: Vec<&str> = order.labels.iter().map(SpecimenId::reveal).collect();
            let (key, letter) = (order.key, order.priority.letter());
            format!("{asks:?} {} {} {letter} on {}", key.number, key.test, labels.join("+"))
        }
    };
    items.into_iter().map(one).collect()
}

const PATIENT: &str = "PID|1||EX77^^^HOSP^MR~X9||Example^Anna^B||19800102|F/PV1|1|I|WARD3^12";

#[test]
fn specimens_lead_their_orders_in_o33_and_follow_them_in_o21() {
    let o33 = format!(
        "{PATIENT}/SPM|1|T1&LIS||SER^Serum|||||||P||||||20260501080000/SAC|||C1/ORC|NW|P1/TQ1|||||||||S^Stat/\
         OBR|1|P1||GLU^Glucose/ORC|NW|P2/OBR|2|P2||NA/SPM|2|T2||PLAS/ORC|CA|P3/OBR|3|P3||K"
    );
    let read = read_of("OML^O33^OML_O33", &o33);
    assert_eq!(
        shown(read),
        ["Place P1 GLU S on T1+C1", "Place P2 NA R on T1+C1", "Become(Cancelled) P3 K R on T2"]
    );
    let o21 =
        format!("{PATIENT}/ORC|NW||F1/OBR|1||F1|GLU/SPM|1|T1^L||SER/SAC|||C1/ORC|XO|P2/OBR|2|||NA/SPM|2|T2");
    assert_eq!(shown(read_of("OML^O21^OML_O21", &o21)), ["Place F1 GLU R on T1+C1", "Change P2 NA R on T2"]);
}

#[test]
fn an_orm_says_its_specimen_where_the_site_says() {
    let orm =
        format!("{PATIENT}/ORC|NW|P1/OBR|1|P1|ACC-9^LAB|GLU|A||20260501||||||||SER^x/OBR|2|P1|ACC-9^LAB|NA");
    assert_eq!(
        shown(read_with("ORM^O01", &orm, &["SPM-2", "OBR-3"])),
        ["Place P1 GLU A on ACC-9", "Place P1 NA R on ACC-9"]
    );
    assert_eq!(
        shown(read_of("ORM^O01", &orm))[0],
        "it names no specimen at SPM-2, SAC-3; see specimen_at in [orders]"
    );
}

#[test]
fn who_the_patient_is_stands_with_each_order_as_the_lims_knows_them() {
    let Read::Orders(items) = read_of("OML^O33", &format!("{PATIENT}/SPM|1|T1/ORC|NW|P1/OBR|1|||GLU")) else {
        panic!("orders")
    };
    let order = items[0].request.as_ref().unwrap().order.clone();
    let patient = order.patient.reveal();
    assert_eq!((patient.id.as_str(), patient.authority.as_str()), ("EX77", "HOSP"));
    assert_eq!((patient.name.as_str(), patient.birth_date.as_str()), ("Example^Anna^B", "19800102"));
    assert_eq!((patient.sex.as_str(), patient.location.as_str()), ("F", "WARD3"));
    assert!(!format!("{order:?}").contains("EX77"));
}

#[test]
fn what_can_not_be_read_is_named_order_by_order() {
    let long = "9".repeat(81);
    for (order, expected) in [
        ("ORC||P1/OBR|1|||GLU", "ORC-1 is empty, so what is wanted isn't said"),
        ("ORC|QQ|P1/OBR|1|||GLU", "the order control \"QQ\" in ORC-1 isn't understood"),
        ("ORC|SC|P1||ZZ^/OBR|1|||GLU", "the status \"\" in ORC-5 isn't understood"),
        ("ORC|NW|P1/OBR|1|||", "it names no test in OBR-4"),
        ("ORC|NW|P1", "it names no test in OBR-4"),
        (&format!("ORC|NW|{long}/OBR|1|||GLU"), "its number has more than 80 characters"),
    ] {
        let told = shown(read_of("OML^O33", &format!("SPM|1|T1/{order}/ORC|NW|P9/OBR|2|||NA")));
        assert_eq!(told, [expected, "Place P9 NA R on T1"], "{order}");
    }
    let enormous = format!("SPM|1|{long}/ORC|NW|P1/OBR|1|||GLU");
    assert_eq!(shown(read_of("OML^O33", &enormous)), ["its specimen has more than 80 characters"]);
    let unreadable = shown(read_of("OML^O33", "SPM|1|T\u{fc}1/ORC|NW|P1/OBR|1|||GLU"));
    assert_eq!(unreadable, ["its specimen holds characters that nobody can read"]);
}

#[test]
fn an_order_may_be_cancelled_by_its_number_alone_but_not_by_nothing() {
    assert_eq!(shown(read_of("ORM^O01", "ORC|CA|P1")), ["Become(Cancelled) P1  R on "]);
    assert_eq!(
        shown(read_of("ORM^O01", "ORC|CA")),
        ["it names neither a number nor a specimen, so no order"]
    );
}

#[test]
fn earlier_results_ask_for_nothing_and_a_second_patient_is_too_much() {
    let prior = "SPM|1|T1/ORC|NW|P1/OBR|1|||GLU/ORC|PR|P0/OBR|2|||NA/OBX|1|NM|NA||140";
    assert_eq!(shown(read_of("OML^O33", prior)), ["Place P1 GLU R on T1"]);
    let two = format!("{PATIENT}/SPM|1|T1/ORC|NW|P1/OBR|1|||GLU/{PATIENT}/ORC|NW|P0/OBR|2|||NA");
    assert_eq!(shown(read_of("OML^O33", &two)), ["Unreadable(\"it names more than one patient\")"]);
    assert_eq!(shown(read_of("OML^O33", PATIENT)), ["Unreadable(\"it holds no ORC segment, so no order\")"]);
}

/// Which number becomes which, or why that can't be read.
fn merged(kind: &str, segments: &str) -> Vec<String> {
    let number = |(id, authority): (&str, &str)| match authority {
        "" => id.to_owned(),
        _ => format!("{id}@{authority}"),
    };
    match read_of(kind, segments) {
        Read::Patients(changes) => changes
            .iter()
            .map(|it| {
                let (id, authority) = it.known_as.reveal();
                let into = number((&it.patient.reveal().id, &it.patient.reveal().authority));
                format!("{} is {into}", number((id, authority)))
            })
            .collect(),
        Read::Unreadable(why) => vec![why.to_owned()],
        other => vec![format!("{other:?}")],
    }
}

#[test]
fn a_merge_names_every_number_that_goes_and_an_update_one_patient() {
    for (kind, segments, expected) in [
        ("ADT^A40", "PID|1||EX78^^^HOSP||Example^Anna/MRG|EX77^^^HOSP", &["EX77@HOSP is EX78@HOSP"][..]),
        (
            "ADT^A40",
            "PID|1||EX78^^^HOSP&1.2.3&ISO/MRG|EX77^^^HOSP&1.2.4&ISO",
            &["EX77@HOSP&1.2.4 is EX78@HOSP&1.2.3"],
        ),
        (
            "ADT^A40",
            "PID|1||EX78^^^HOSP/MRG|EX77^^^HOSP~990^^^NAT~55",
            &["EX77@HOSP is EX78@HOSP", "990@NAT is EX78@HOSP", "55 is EX78@HOSP"],
        ),
        (
            "ADT^A40",
            "PID|1||A2/PD1|x/MRG|A1/PV1|1|I|W/PID|2||B2/MRG|B1~B0",
            &["A1 is A2", "B1 is B2", "B0 is B2"],
        ),
        ("ADT^A40", "PID|1||A2/MRG|A1/PID|2||A2/MRG|A0", &["A1 is A2", "A0 is A2"]),
        ("ADT^A40", "PID|1||A2/MRG|A2~A1~A1", &["A1 is A2"]),
        ("ADT^A40", "PID|1||A2/MRG|A2", &["A2 is A2"]),
        ("ADT^A08", "PID|1||EX78^^^HOSP||Example^Anne", &["EX78@HOSP is EX78@HOSP"]),
    ] {
        assert_eq!(merged(kind, segments), expected, "{segments}");
    }
}

#[test]
fn a_message_about_a_patient_names_their_ward_where_it_knows_one() {
    let ward = |segments: &str| match read_of("ADT^A08", segments) {
        Read::Patients(changes) => changes[0].patient.reveal().location.clone(),
        other => format!("{other:?}"),
    };
    assert_eq!(ward("EVN|A08/PID|1||EX78/PV1|1|I|ICU^2^1"), "ICU");
    assert_eq!(ward("EVN|A08/PID|1||EX78/PV1|1|N"), "");
    assert_eq!(ward("EVN|A08/PID|1||EX78"), "");
}

#[test]
fn a_merge_that_can_not_be_read_whole_is_not_read_at_all() {
    let contradicts =
        "it merges a number that survives in it, or one number into two patients; send the merges one by one";
    let long = format!("PID|1||A2/MRG|{}", "9".repeat(81));
    for (kind, segments, expected) in [
        ("ADT^A40", "PID|1||EX78", "it merges patients and holds no MRG"),
        ("ADT^A40", "PID|1||A2/MRG|A1/PID|2||B2", "it merges patients and has no MRG for one of them"),
        ("ADT^A40", "MRG|A1/PID|1||A2", "an MRG stands before every PID"),
        ("ADT^A40", "EVN|A40", "it holds no PID, so no patient"),
        ("ADT^A40", "PID|1||A2/MRG|A1~~A0", "it names no patient number in PID-3 or MRG-1"),
        ("ADT^A40", "PID|1||A2/MRG|\"\"", "it names no patient number in PID-3 or MRG-1"),
        ("ADT^A40", "PID|1||A2/MRG||x", "it names no patient number in PID-3 or MRG-1"),
        ("ADT^A40", "PID|1||/MRG|A1", "it names no patient number in PID-3 or MRG-1"),
        ("ADT^A40", "PID|1||A2/MRG|A1/PID|2||B2/MRG|", "it names no patient number in PID-3 or MRG-1"),
        ("ADT^A40", &long, "a patient's number in it has more than 80 characters"),
        ("ADT^A40", "PID|1||A2/MRG|A1/PID|2||A1/MRG|A2", contradicts),
        ("ADT^A40", "PID|1||A2/MRG|A1/PID|2||A3/MRG|A2", contradicts),
        ("ADT^A40", "PID|1||A2/MRG|A1/PID|2||A3/MRG|A1", contradicts),
        ("ADT^A08", "PID|1||A2/PID|2||A3", "it names more than one patient"),
    ] {
        assert_eq!(merged(kind, segments), [expected], "{segments}");
    }
}

#[test]
fn what_is_not_for_us_is_told_apart_from_what_is_wrong() {
    for (kind, condition) in [
        ("ORU^R01", Condition::UnsupportedMessageType),
        ("ADT^A01", Condition::UnsupportedEvent),
        ("OML^O35", Condition::UnsupportedEvent),
    ] {
        assert!(matches!(read_of(kind, PATIENT), Read::NotForUs(it) if it == condition), "{kind}");
    }
    let text = "MSH|^~\\&|LIMS||||||OML^O33|7|T|2.5.1\rSPM|1|T1\rORC|NW|P1\rOBR|1|||GLU\r";
    let message = Message::parse(text.as_bytes()).unwrap();
    let training = read(&message, &message.header().unwrap(), &places(&["SPM-2"]));
    assert!(matches!(training, Read::NotForUs(Condition::UnsupportedProcessing)), "an order for training");
}
