//! What an analyte lets be converted, and what it doesn't.

use proptest::prelude::*;

use super::*;

fn unit(code: &str) -> Unit {
    Unit::parse(code).unwrap()
}

fn fact(figure: &str) -> Option<Fact> {
    Some(Fact {
        figure: Exact::parse(figure).unwrap(),
        sources: vec!["a book".to_owned(), "another".to_owned()],
    })
}

fn analyte(reported: &str, decimals: Option<u32>, from: &[&str], facts: &Facts) -> Analyte {
    let to = unit(reported);
    Analyte {
        id: "it".to_owned(),
        name: "It".to_owned(),
        loinc: Vec::new(),
        reported_loinc: None,
        decimals,
        ways: from.iter().map(|from| Way::find(unit(from), &to, facts).unwrap()).collect(),
        unit: to,
        undecided: Vec::new(),
        bounds: Bounds::default(),
    }
}

fn calcium() -> Analyte {
    let facts = Facts { molar_mass: fact("40.078"), charge: fact("2") };
    Analyte {
        undecided: vec![Undecided { unit: unit("%"), because: "nobody knows".to_owned() }],
        bounds: Bounds { below: Exact::parse("0.3"), above: Exact::parse("8") },
        ..analyte("mmol/L", Some(2), &["mg/dL", "meq/L"], &facts)
    }
}

fn reported(analyte: &Analyte, number: &str, from: &str) -> String {
    analyte.convert(&Digits::parse(number).unwrap(), &unit(from), Rounding::Nearest).unwrap().reported
}

#[test]
fn mass_charge_and_amount_become_each_other_by_what_the_analyte_knows() {
    let calcium = calcium();
    assert_eq!(reported(&calcium, "9", "mg/dL"), "2.25");
    assert_eq!(reported(&calcium, "5", "meq/L"), "2.50");
    assert_eq!(reported(&calcium, "9", "mg/dl"), "2.25", "l and L are one unit");
    let facts = Facts { molar_mass: fact("40.078"), charge: fact("2") };
    assert_eq!(reported(&analyte("mg/dL", Some(1), &["mmol/L"], &facts), "2.25", "mmol/L"), "9.0");
    assert_eq!(reported(&analyte("meq/L", Some(1), &["mmol/L"], &facts), "2.25", "mmol/L"), "4.5");
}

#[test]
fn without_decimals_of_its_own_a_value_has_one_digit_more_than_the_source() {
    let facts = Facts { molar_mass: fact("40.078"), charge: None };
    let calcium = analyte("mmol/L", None, &["mg/dL"], &facts);
    for (sent, expected) in
        [("9", "2.2"), ("9.0", "2.25"), ("9.00", "2.246"), ("400", "99.81"), ("40078", "10000.0")]
    {
        assert_eq!(reported(&calcium, sent, "mg/dL"), expected, "{sent}");
    }
    assert_eq!(reported(&calcium, "2.250", "mmol/L"), "2.250", "what isn't converted keeps its digits");
}

#[test]
fn what_comes_in_the_reported_unit_keeps_its_digits_whatever_the_decimals() {
    for (sent, from) in [("2.251", "mmol/L"), ("2.2", "mmol/L"), ("2.250", "mmol/l"), ("2", "mmol/L")] {
        assert_eq!(reported(&calcium(), sent, from), sent, "{from}");
    }
    assert_eq!(
        reported(&calcium(), "9.0231", "mg/dL"),
        "2.25",
        "what is converted has the analyte's decimals"
    );
}

#[test]
fn only_what_is_listed_is_converted() {
    let calcium = calcium();
    for from in ["g/L", "mg/L", "mmol/dL", "mol", "K/uL", "mmol/L{ionized}", "mg/dL{x}", "[IU]/L", "Cel"] {
        let refusal =
            calcium.convert(&Digits::parse("9").unwrap(), &unit(from), Rounding::Nearest).unwrap_err();
        assert!(matches!(refusal, Refusal::NotAllowed { .. }), "{from}: {refusal}");
    }
    let refusal = calcium.convert(&Digits::parse("9").unwrap(), &unit("%"), Rounding::Nearest).unwrap_err();
    assert_eq!(refusal.to_string(), "% is undecided for it: nobody knows");
    let refusal = calcium.convert(&Digits::parse("9").unwrap(), &unit("g/L"), Rounding::Nearest).unwrap_err();
    assert_eq!(refusal.to_string(), "it isn't converted from g/L; it allows mmol/L, mg/dL, meq/L");
}

#[test]
fn a_way_needs_the_fact_that_it_rests_on() {
    let find = |from: &str, to: &str, facts: &Facts| Way::find(unit(from), &unit(to), facts);
    let none = Facts::default();
    for (from, to, missing) in [
        ("mg/dL", "mmol/L", "needs the molar mass"),
        ("mmol/L", "mg/dL", "needs the molar mass"),
        ("meq/L", "mmol/L", "needs the charge"),
        ("mmol/L", "meq/L", "needs the charge"),
        ("mmol/L", "/L", "don't measure the same"),
        ("K/uL", "10*9/L", "don't measure the same"),
        ("[IU]/L", "U/L", "don't measure the same"),
        ("mg/L{FEU}", "ng/mL{DDU}", "different annotations"),
    ] {
        let refusal = find(from, to, &none).unwrap_err().to_string();
        assert!(refusal.contains(missing), "{from} to {to}: {refusal}");
    }
    assert_eq!(find("u[IU]/mL", "m[IU]/L", &none).unwrap().line, Line::identity());
    assert!(matches!(line(&unit("m[IU]/mL"), &unit("m[IU]/L")), Err(Refusal::Arbitrary { .. })));
    assert_eq!(find("m[IU]/mL", "[IU]/L", &none).unwrap().line, Line::identity());
}

#[test]
fn a_value_beyond_all_reason_is_not_believed() {
    let calcium = calcium();
    for (sent, from, believed) in [
        ("2.25", "mmol/L", Believed::Yes),
        ("0.3", "mmol/L", Believed::Yes),
        ("8", "mmol/L", Believed::Yes),
        ("0.29", "mmol/L", Believed::No),
        ("9.0", "mmol/L", Believed::No),
        ("9.0", "mg/dL", Believed::Yes),
        ("2.25", "mg/dL", Believed::Yes),
        ("1.2", "mg/dL", Believed::No),
    ] {
        let converted =
            calcium.convert(&Digits::parse(sent).unwrap(), &unit(from), Rounding::Nearest).unwrap();
        assert_eq!(converted.believed, believed, "{sent} {from}");
    }
}

#[test]
fn an_alias_comes_before_ucum_and_nothing_is_guessed() {
    let aliases = Aliases::new(BTreeMap::from([
        ("K/uL".to_owned(), unit("10*3/uL")),
        ("µmol/L".to_owned(), unit("umol/L")),
    ]));
    assert_eq!(aliases.unit("K/uL").unwrap().code(), "10*3/uL");
    assert_eq!(aliases.unit("µmol/L").unwrap().code(), "umol/L");
    assert_eq!(aliases.unit("mg/dL").unwrap().code(), "mg/dL");
    for sent in ["k/uL ", "mmHg", "x10E3/uL", "IU/L", ""] {
        assert!(aliases.unit(sent).is_err(), "{sent}");
    }
    let counts = analyte("10*9/L", None, &["10*3/uL", "/uL"], &Facts::default());
    for accident in ["K/uL", "G/L", "T/L", "MG/L", "PG", "C", "pH", "m", "1"] {
        let refusal =
            counts.convert(&Digits::parse("7.5").unwrap(), &unit(accident), Rounding::Nearest).unwrap_err();
        assert!(matches!(refusal, Refusal::NotAllowed { .. }), "{accident}");
    }
    assert_eq!(reported(&counts, "7500", "/uL"), "7.5000");
    assert_eq!(
        counts
            .convert(&Digits::parse("7500").unwrap(), &unit("/uL"), Rounding::Nearest)
            .unwrap()
            .exact
            .to_string(),
        "7.5"
    );
}

proptest! {
    #[test]
    fn mass_to_amount_and_back_is_the_same_number(mass in 1_i64..1_000_000_000, n in any::<i64>()) {
        let figure = Exact::from(mass).checked_div(&Exact::from(1000)).unwrap();
        let facts = Facts { molar_mass: Some(Fact { figure, sources: Vec::new() }), charge: None };
        let there = Way::find(unit("mg/dL"), &unit("umol/L"), &facts).unwrap().line;
        let back = Way::find(unit("umol/L"), &unit("mg/dL"), &facts).unwrap().line;
        prop_assert_eq!(back.apply(&there.apply(&Exact::from(n))), Exact::from(n));
    }
}
