//! Whose orders are and what is known of their patients: by number, who assigned it and, without that, which source; by the
//! latest word, whichever message brought it; and never by guessing.

use std::collections::BTreeSet;

use labwire::domain::{
    Asks, Numbering, Order, OrderKey, OrderRequest, OrderState, Patient, PatientChange, Priority, Private,
    SpecimenId,
};
use labwire::journal::decisions::PatientKey;
use labwire::journal::orders::{Again, Applied, Block, CachedOrder, Manner, Told};
use labwire::journal::parcels::Within;
use labwire::journal::{MessageId, ObservationId};
use std::sync::{Arc, Mutex};

use super::kit::{Lab, parcel, result};

const LIMS: &str = "orders lims";
const REST: &str = "orders rest";

/// Name, day of birth and ward of a number and who assigned it.
type Who<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

const ANNA: Who<'static> = ("EX77", "HOSP", "Example^Anna", "19800102", "WARD3");

fn order(number: &str, tube: &str, (id, authority, name, born, ward): Who<'_>) -> Order {
    let patient = Patient {
        id: id.to_owned(),
        authority: authority.to_owned(),
        name: name.to_owned(),
        birth_date: born.to_owned(),
        sex: "F".to_owned(),
        location: ward.to_owned(),
    };
    Order {
        key: OrderKey { number: number.to_owned(), specimen: SpecimenId::new(tube), test: "GLU".to_owned() },
        labels: vec![SpecimenId::new(tube)],
        parent: None,
        test_name: String::new(),
        placer: number.to_owned(),
        filler: String::new(),
        priority: Priority::Routine,
        specimen_kind: String::new(),
        collected: String::new(),
        patient: Private::new(patient),
    }
}

fn change(known_as: (&str, &str), into: Who<'_>) -> PatientChange {
    let told = order("", "", into);
    PatientChange {
        known_as: Private::new((known_as.0.to_owned(), known_as.1.to_owned())),
        patient: told.patient,
    }
}

impl Lab {
    fn told(&self, source: &str, manner: Manner, told: Told) -> Vec<Applied> {
        let (said, heard) = (Arc::new(Mutex::new(Vec::new())), self.reader.last_message().unwrap());
        let fates = Arc::clone(&said);
        let block = Block {
            source: source.to_owned(),
            within: Within::New { source: source.to_owned(), peer: "peer".to_owned() },
            parcel: parcel(&format!("after {heard}"), &[format!("after {heard}").len()]),
            told: vec![told],
            compose: Box::new(move |applied| {
                *fates.lock().unwrap() = applied.to_vec();
                Vec::new()
            }),
            again: Again::Anew,
            manner,
            cursor: None,
        };
        self.wait(self.journal.take_orders(block, self.now())).unwrap();
        let said = said.lock().unwrap();
        said.concat()
    }

    fn asks(&self, source: &str, asks: Asks, order: Order) -> Applied {
        let told = Told { requests: vec![OrderRequest { asks, order }], ..Told::default() };
        self.told(source, Manner::Told(Numbering::Order), told).remove(0)
    }

    fn place(&self, source: &str, order: Order) {
        assert_eq!(self.asks(source, Asks::Place, order), Applied::Done);
    }

    fn answers(&self, manner: Manner, order: Order) {
        let told = Told { requests: vec![OrderRequest { asks: Asks::Place, order }], ..Told::default() };
        assert_eq!(self.told(LIMS, manner, told), [Applied::Done]);
    }

    fn changes(&self, source: &str, patients: Vec<PatientChange>) {
        self.told(source, Manner::Told(Numbering::Order), Told { patients, ..Told::default() });
    }

    fn on(&self, tube: &str) -> Vec<CachedOrder> {
        self.reader.orders_on(&SpecimenId::new(tube)).unwrap()
    }

    /// The number, name, day of birth and ward with which the one order of a tube is known.
    fn whose(&self, tube: &str) -> [String; 4] {
        let orders = self.on(tube);
        assert_eq!(orders.len(), 1, "{tube}");
        let it = orders[0].order.patient.reveal();
        [it.id.clone(), it.name.clone(), it.birth_date.clone(), it.location.clone()]
    }

    fn problems_of(&self, tube: &str) -> i64 {
        self.ask(&format!(
            "SELECT count(*) FROM problem WHERE kind = 'other-patient' AND specimen = '{tube}'"
        ))
    }

    fn as_of_now(&self) -> MessageId {
        self.reader.last_message().unwrap()
    }
}

#[test]
fn a_number_without_an_authority_finds_its_own_sources_results_and_never_anothers() {
    let lab = Lab::new();
    let adam = ("55", "", "Alpha^Adam", "19400101", "");
    let berta = ("55", "", "Beta^Berta", "19990909", "");
    lab.place(LIMS, order("P1", "T1", adam));
    lab.place(REST, order("X1", "T2", berta));
    lab.place(LIMS, order("P3", "T3", ANNA));
    lab.place(REST, order("X4", "T4", ANNA));
    let [of_adam, of_berta, of_anna, of_anna_too] =
        ["T1", "T2", "T3", "T4"].map(|tube| lab.own(result(tube, "K", "4.1")));
    let mut by_hand = result("T5", "K", "4.1");
    by_hand.patient = Private::new(Patient { id: "55".to_owned(), ..Patient::default() });
    let mut of_authority = by_hand.clone();
    of_authority.specimen = SpecimenId::new("T6");
    of_authority.patient =
        Private::new(Patient { authority: "HOSP".to_owned(), ..by_hand.patient.reveal().clone() });
    let [by_hand, of_authority] = [by_hand, of_authority].map(|it| lab.own(it));
    let both = BTreeSet::from([LIMS.to_owned(), REST.to_owned()]);
    let one = BTreeSet::from([LIMS.to_owned()]);
    let found = |id, authority, source, sources: &BTreeSet<String>| -> Vec<ObservationId> {
        let patient =
            Patient { id: str::to_owned(id), authority: str::to_owned(authority), ..Patient::default() };
        let key = PatientKey { patient: &patient, source, sources };
        let mut found: Vec<_> =
            lab.reader.history(key, &[], 10).unwrap().into_iter().map(|it| it.id).collect();
        found.sort();
        found
    };
    assert_eq!(found("55", "", Some(LIMS), &both), [of_adam]);
    assert_eq!(found("55", "", Some(REST), &both), [of_berta]);
    assert_eq!(found("55", "", None, &both), [by_hand], "an analyzer can mean either");
    assert_eq!(found("55", "", Some(LIMS), &one), [of_adam, by_hand], "there is no other source");
    assert_eq!(found("55", "", None, &one), [of_adam, by_hand]);
    assert_eq!(
        found("EX77", "HOSP", Some(REST), &both),
        [of_anna, of_anna_too],
        "an authority's is everybody's"
    );
    assert_eq!(found("EX77", "", Some(LIMS), &both), []);
    assert_eq!(found("55", "HOSP", None, &both), [of_authority], "and so is what an analyzer says of one");
    assert_eq!(found("55", "HOSP", Some(LIMS), &both), [of_authority]);
    // A tube on which both have orders is nobody's.
    lab.place(REST, order("X5", "T1", berta));
    assert_eq!(found("55", "", Some(LIMS), &both), []);
}

#[test]
fn results_of_another_person_under_one_number_are_no_earlier_ones() {
    let lab = Lab::new();
    lab.place(LIMS, order("P1", "T1", ANNA));
    let first = lab.own(result("T1", "K", "4.1"));
    let sources = BTreeSet::from([LIMS.to_owned()]);
    let found = |except: &str| -> Vec<ObservationId> {
        let patient = lab.on(except)[0].order.patient.reveal().clone();
        let key = PatientKey { patient: &patient, source: Some(LIMS), sources: &sources };
        lab.reader.history(key, &[except], 10).unwrap().into_iter().map(|it| it.id).collect()
    };
    lab.place(LIMS, order("P2", "T2", ("EX77", "HOSP", "EXAMPLE^ANNA^", "1980-01-02", "")));
    assert_eq!(found("T2"), [first]);
    lab.place(LIMS, order("P3", "T3", ("EX77", "HOSP", "Sample^Otto", "19500505", "")));
    assert_eq!(found("T3"), []);
}

#[test]
fn the_latest_word_of_a_patient_counts_for_every_order_of_the_number() {
    let lab = Lab::new();
    for (number, tube) in [("P0", "T0"), ("P1", "T1")] {
        lab.place(LIMS, order(number, tube, ANNA));
    }
    lab.asks(LIMS, Asks::Become(OrderState::Completed), order("P0", "T0", ANNA));
    lab.place(LIMS, order("X1", "T7", ("EX77", "", "Example^Anna", "19800102", "WARD3")));
    lab.place(LIMS, order("X2", "T8", ("EX77", "CLINIC", "Example^Anna", "19800102", "WARD3")));
    let known = |name: &str, ward: &str| ["EX77", name, "19800102", ward].map(str::to_owned);
    // Another way may bring it, and leave something out.
    lab.place(REST, order("P2", "T2", ("EX77", "HOSP", "Married^Anna", "", "ICU")));
    assert_eq!(lab.whose("T1"), known("Married^Anna", "ICU"));
    assert_eq!(lab.whose("T2"), known("Married^Anna", "ICU"));
    assert_eq!(lab.whose("T0"), known("Married^Anna", "WARD3"), "what is done was done there");
    for other in ["T7", "T8"] {
        assert_eq!(
            lab.whose(other),
            known("Example^Anna", "WARD3"),
            "another's number, as far as anybody says"
        );
    }
    // Neither the time at which an order was touched last nor a cancellation says anything of the patient.
    lab.asks(LIMS, Asks::Become(OrderState::Held), order("P1", "T1", ANNA));
    lab.asks(LIMS, Asks::Become(OrderState::Active), order("P1", "T1", ANNA));
    assert_eq!(
        (lab.whose("T1"), lab.whose("T2")),
        (known("Married^Anna", "ICU"), known("Married^Anna", "ICU"))
    );
    lab.asks(LIMS, Asks::Change, order("P1", "T1", ("EX77", "HOSP", "Again^Anna", "19800102", "")));
    assert_eq!(lab.whose("T2"), known("Again^Anna", "ICU"));
    lab.changes(LIMS, vec![change(("EX77", "HOSP"), ("EX77", "HOSP", "Last^Anna", "", ""))]);
    assert_eq!((lab.whose("T1"), lab.whose("T2")), (known("Last^Anna", ""), known("Last^Anna", "ICU")));
    lab.changes(LIMS, vec![change(("EX77", "HOSP"), ("EX77", "HOSP", "", "", "ICU"))]);
    assert_eq!(["T0", "T1", "T2"].map(|tube| lab.whose(tube)[3].clone()), ["WARD3", "ICU", "ICU"]);
    lab.asks(LIMS, Asks::Change, order("P1", "T1", ("EX77", "HOSP", "", "", "")));
    // What is only written otherwise is no change.
    let words: i64 = lab.ask("SELECT count(*) FROM order_word");
    lab.place(LIMS, order("P4", "T4", ("EX77", "HOSP", "LAST^ANNA^", "1980-01-02", "ICU ")));
    assert_eq!(lab.ask::<i64>("SELECT count(*) FROM order_word") - words, 2, "its own, and the ward of one");
    assert_eq!(["T0", "T1", "T2", "T4"].map(|tube| lab.problems_of(tube)), [0; 4]);
}

#[test]
fn another_person_under_a_known_number_is_passed_on_to_nobody_and_seen() {
    let lab = Lab::new();
    let otto = ("EX77", "HOSP", "Sample^Otto", "19500505", "ICU");
    lab.place(LIMS, order("P1", "T1", ANNA));
    lab.place(LIMS, order("P2", "T2", otto));
    let known = |name: &str, born: &str, ward: &str| ["EX77", name, born, ward].map(str::to_owned);
    assert_eq!(lab.whose("T1"), known("Example^Anna", "19800102", "WARD3"));
    assert_eq!(lab.whose("T2"), known("Sample^Otto", "19500505", "ICU"));
    assert_eq!((lab.problems_of("T1"), lab.problems_of("T2")), (0, 1));
    lab.place(LIMS, order("P3", "T1", otto));
    assert!(lab.problems_of("T1") > 0, "both on one tube");
    let [one, other] = lab.on("T1").try_into().unwrap();
    assert!(one.sourced().is_of_another(&other.sourced()));
    // What was said of another person isn't Otto's because something else was said of Otto.
    lab.changes(LIMS, vec![change(("EX77", "HOSP"), ("EX77", "HOSP", "Sample^Otto", "19500506", ""))]);
    assert_eq!(lab.whose("T2"), known("Sample^Otto", "19500506", "ICU"));
    let [one, other] = lab.on("T1").try_into().unwrap();
    assert!(
        one.sourced().is_of_another(&other.sourced()) && one.order.patient.reveal().name == "Example^Anna"
    );
    // That Otto is Anna is a correction, and so is Anna's being Otto where nobody else was told.
    lab.changes(LIMS, vec![change(("EX77", "HOSP"), ANNA)]);
    let [one, other] = lab.on("T1").try_into().unwrap();
    assert!(!one.sourced().is_of_another(&other.sourced()));
    assert_eq!(lab.whose("T2")[1], "Example^Anna");
    lab.changes(LIMS, vec![change(("EX77", "HOSP"), otto)]);
    assert_eq!(lab.whose("T2")[1], "Sample^Otto");
}

#[test]
fn an_order_that_is_told_anew_was_its_patients_under_the_earlier_name_too() {
    let lab = Lab::new();
    let married = ("EX77", "HOSP", "Married^Anna", "19800102", "WARD3");
    let names = || -> Vec<String> {
        let earlier = lab.reader.earlier_patients(&lab.on("T1")[0]).unwrap();
        earlier.into_iter().map(|it| it.name).collect()
    };
    lab.place(LIMS, order("P1", "T1", ANNA));
    lab.place(LIMS, order("P1", "T1", married));
    assert_eq!(names(), ["Example^Anna"]);
    lab.place(LIMS, order("P2", "T2", ("EX77", "HOSP", "Again^Anna", "19800102", "")));
    assert_eq!(names(), ["Example^Anna", "Married^Anna"]);
    lab.place(LIMS, order("P1", "T1", ("EX99", "HOSP", "Sample^Otto", "19500505", "")));
    assert_eq!(names(), [""; 0], "another patient's from now on");
}

#[test]
fn what_the_lims_says_of_a_patient_while_it_is_asked_counts_before_its_older_answer() {
    let lab = Lab::new();
    let known = |name: &str| ["EX77", name, "19800102", "WARD3"].map(str::to_owned);
    let married = || vec![change(("EX77", "HOSP"), ("EX77", "HOSP", "Married^Anna", "", ""))];
    // Nothing is known of the patient when it is asked.
    let as_of = lab.as_of_now();
    lab.changes(LIMS, married());
    lab.answers(Manner::Asked { as_of }, order("P1", "T1", ANNA));
    assert_eq!(lab.whose("T1"), known("Married^Anna"));
    // Neither does an older answer bring the older name to what is known.
    for (tube, manner) in [("T2", Manner::Asked { as_of }), ("T3", Manner::Fetched { as_of })] {
        lab.answers(manner, order(tube, tube, ANNA));
        assert_eq!((lab.whose(tube), lab.whose("T1")), (known("Married^Anna"), known("Married^Anna")));
    }
    // What was said before it was asked is no later knowledge.
    let as_of = lab.as_of_now();
    lab.answers(Manner::Asked { as_of }, order("P4", "T4", ANNA));
    for tube in ["T1", "T2", "T4"] {
        assert_eq!(lab.whose(tube), known("Example^Anna"), "{tube}");
    }
    // An order that came meanwhile counts too, and of two answers that of the later question.
    let earlier = lab.as_of_now();
    lab.place(LIMS, order("P5", "T5", ("EX77", "HOSP", "Newer^Anna", "19800102", "WARD3")));
    let later = lab.as_of_now();
    lab.answers(
        Manner::Asked { as_of: later },
        order("P6", "T6", ("EX77", "HOSP", "Newest^Anna", "19800102", "WARD3")),
    );
    lab.answers(Manner::Asked { as_of: earlier }, order("P7", "T7", ANNA));
    assert_eq!((lab.whose("T7"), lab.whose("T1")), (known("Newest^Anna"), known("Newest^Anna")));
    // Both name and day of birth were corrected while it was asked.
    let as_of = lab.as_of_now();
    lab.changes(LIMS, vec![change(("EX77", "HOSP"), ("EX77", "HOSP", "Sample^Otto", "19500505", ""))]);
    lab.answers(Manner::Asked { as_of }, order("P8", "T8", ANNA));
    assert_eq!(lab.whose("T8"), ["EX77", "Sample^Otto", "19500505", "WARD3"].map(str::to_owned));
    // A merge meanwhile, and the survivor's name with it.
    let as_of = lab.as_of_now();
    lab.changes(LIMS, vec![change(("EX77", "HOSP"), ("EX78", "HOSP", "Survivor^Anne", "", ""))]);
    lab.answers(Manner::Asked { as_of }, order("P9", "T9", ANNA));
    assert_eq!(lab.whose("T9")[..2], ["EX78", "Survivor^Anne"].map(str::to_owned));
}

#[test]
fn every_number_of_a_merge_is_the_survivors_and_later_words_of_the_survivor_count_for_it() {
    let lab = Lab::new();
    let of = |id: &'static str, authority: &'static str| (id, authority, "Unknown^Person", "19000101", "");
    lab.place(LIMS, order("P1", "T1", of("A1", "HOSP")));
    lab.place(REST, order("P2", "T2", of("990", "NAT")));
    lab.place(LIMS, order("P3", "T3", of("55", "")));
    lab.place(REST, order("P4", "T4", of("55", "")));
    lab.place(LIMS, order("P5", "T5", ("A2", "HOSP", "Before^Anna", "19800102", "")));
    let into = ("A2", "HOSP", "Example^Anna", "19800102", "");
    let gone = [("A1", "HOSP"), ("990", "NAT"), ("55", "")];
    lab.changes(LIMS, gone.iter().map(|gone| change(*gone, into)).collect());
    for tube in ["T1", "T2", "T3", "T5"] {
        assert_eq!(lab.whose(tube)[..3], ["A2", "Example^Anna", "19800102"].map(str::to_owned), "{tube}");
    }
    assert_eq!(lab.whose("T4")[0], "55", "another source's own number");
    lab.changes(LIMS, vec![change(("A2", "HOSP"), ("A2", "HOSP", "Married^Anna", "", ""))]);
    for (number, tube, (id, authority)) in
        [("P6", "T6", gone[0]), ("P7", "T7", gone[1]), ("P8", "T8", gone[2])]
    {
        lab.place(LIMS, order(number, tube, of(id, authority)));
        assert_eq!(lab.whose(tube)[..3], ["A2", "Married^Anna", "19800102"].map(str::to_owned), "{tube}");
    }
    assert_eq!(lab.whose("T1")[1], "Married^Anna", "what is told under a number that is gone changes nobody");
}

#[test]
fn a_number_of_another_source_is_only_the_same_where_it_is_a_placers_and_said_of_whom() {
    let lab = Lab::new();
    let mut numbered_there = order("7", "T1", ANNA);
    numbered_there.placer.clear();
    numbered_there.filler = "7".to_owned();
    lab.place(LIMS, numbered_there);
    let otto = ("EX99", "HOSP", "Sample^Otto", "19500505", "");
    assert_eq!(lab.asks(REST, Asks::Change, order("7", "T2", otto)), Applied::Done, "a filler's number");
    // A placer's is refused still.
    lab.place(LIMS, order("P3", "T3", ANNA));
    assert!(matches!(lab.asks(REST, Asks::Change, order("P3", "T4", otto)), Applied::Refused(_)));
    // The number alone may be this source's own of which nothing is known here.
    let nobody = ("", "", "", "", "");
    let alone = || {
        let mut order = order("P3", "", nobody);
        order.labels.clear();
        order.key.test.clear();
        order
    };
    let cancels = Asks::Become(OrderState::Cancelled);
    let as_of = lab.as_of_now();
    let Applied::Refused(why) = lab.asks(REST, cancels, alone()) else { panic!("refused") };
    assert!(why.contains("name the patient or the specimen"), "{why}");
    assert_eq!(lab.on("T3")[0].state, OrderState::Active);
    // Its own, which an answer under way brings, was meant.
    let request = OrderRequest { asks: Asks::Place, order: order("P3", "T9", otto) };
    let told = Told { requests: vec![request], ..Told::default() };
    assert_eq!(lab.told(REST, Manner::Asked { as_of }, told), [Applied::Overtaken]);
    assert_eq!(lab.on("T9")[0].state, OrderState::Cancelled);
    // With the tube, or the patient, it is the one order.
    for (number, tube, named) in
        [("P5", "T5", order("P5", "T5", nobody)), ("P6", "T6", order("P6", "", ANNA))]
    {
        lab.place(LIMS, order(number, tube, ANNA));
        assert_eq!(lab.asks(REST, cancels, named), Applied::Done);
        assert_eq!(lab.on(tube)[0].state, OrderState::Cancelled, "{number}");
    }
}
